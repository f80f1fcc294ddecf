cmkd_test(models TORCH DEPS models runtime core LIBS nlohmann_json::nlohmann_json)
