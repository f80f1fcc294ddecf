cmkd_test(reports DEPS reports results metrics core LIBS nlohmann_json::nlohmann_json)
