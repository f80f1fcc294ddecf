cmkd_test(reports DEPS reports results metrics core LIBS nlohmann_json::nlohmann_json)
target_include_directories(test_reports PRIVATE ${CMAKE_SOURCE_DIR}/reports)

# A page of a store that nobody trained, for the browser and for measuring.
add_executable(make_report_page reports/tools/make_page.cpp reports/synthetic_store.cpp)
target_include_directories(make_report_page PRIVATE reports)
target_link_libraries(make_report_page PRIVATE cmkd_reports cmkd_results cmkd_core cmkd_options)

# Each skips itself, with its reason, where the program is missing that it needs.
find_program(CMKD_PYTHON3 python3)
if(CMKD_PYTHON3)
  add_test(NAME reports_schema COMMAND ${CMKD_PYTHON3} ${CMAKE_CURRENT_SOURCE_DIR}/reports/schema_test.py
           ${CMAKE_SOURCE_DIR}/reports/leaderboard.schema.json ${CMAKE_CURRENT_SOURCE_DIR}/golden/leaderboard.json
           ${CMAKE_CURRENT_SOURCE_DIR}/golden/sweep.json ${CMAKE_CURRENT_SOURCE_DIR}/golden/tuned.json)
  add_test(NAME reports_browser COMMAND ${CMKD_PYTHON3} ${CMAKE_CURRENT_SOURCE_DIR}/reports/browser_test.py
           $<TARGET_FILE:make_report_page>)
  add_test(NAME reports_contrast COMMAND ${CMKD_PYTHON3} ${CMAKE_CURRENT_SOURCE_DIR}/reports/contrast_test.py
           ${CMAKE_SOURCE_DIR}/reports/svg/chart.css ${CMAKE_SOURCE_DIR}/reports/html/page.css)
  set_tests_properties(reports_schema reports_browser PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
endif()
add_test(NAME reports_latex COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/reports/latex_test.sh ${CMAKE_CURRENT_SOURCE_DIR}/golden)
set_tests_properties(reports_latex PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
