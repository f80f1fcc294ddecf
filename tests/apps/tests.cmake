cmkd_test(apps DEPS results core LIBS nlohmann_json::nlohmann_json)
target_compile_definitions(test_apps PRIVATE CMKD_PROGRAM="$<TARGET_FILE:cmkd>")
add_dependencies(test_apps cmkd)
