cmkd_test(weights TORCH DEPS weights runtime core LIBS nlohmann_json::nlohmann_json)
