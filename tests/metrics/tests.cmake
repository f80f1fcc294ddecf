cmkd_test(metrics DEPS metrics core LIBS nlohmann_json::nlohmann_json)
