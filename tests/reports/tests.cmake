cmkd_test(reports DEPS reports results core LIBS nlohmann_json::nlohmann_json)
