cmkd_test(reports DEPS reports results metrics core LIBS nlohmann_json::nlohmann_json)
target_include_directories(test_reports PRIVATE ${CMAKE_SOURCE_DIR}/reports)

# A page of a store that nobody trained, for the browser and for measuring.
add_executable(make_report_page reports/tools/make_page.cpp reports/synthetic_store.cpp)
target_include_directories(make_report_page PRIVATE reports)
target_link_libraries(make_report_page PRIVATE cmkd_reports cmkd_results cmkd_core cmkd_options)
