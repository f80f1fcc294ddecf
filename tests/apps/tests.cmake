cmkd_test(apps SECONDS 300 DEPS results core LIBS nlohmann_json::nlohmann_json)
target_compile_definitions(test_apps PRIVATE CMKD_PROGRAM="$<TARGET_FILE:cmkd>")
add_dependencies(test_apps cmkd)

# What `cmkd new baseline` writes, built with this project's warnings into a second cmkd, which test_apps trains.
set(new_baseline ${CMAKE_CURRENT_BINARY_DIR}/new_baseline)
set(new_baseline_files ${new_baseline}/baselines/made_by_new.cpp ${new_baseline}/tests/baselines/made_by_new_test.cpp)
add_custom_command(
  OUTPUT ${new_baseline_files}
  COMMAND ${CMAKE_COMMAND} -E rm -f ${new_baseline_files}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${new_baseline}/baselines ${new_baseline}/tests/baselines
  COMMAND cmkd new baseline made_by_new --out ${new_baseline}
  DEPENDS cmkd ${CMAKE_SOURCE_DIR}/baselines/template/baseline.cpp.in
          ${CMAKE_SOURCE_DIR}/baselines/template/baseline_test.cpp.in
  WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} VERBATIM)
# Methods outside the tree bring a table of their own.
add_custom_command(
  OUTPUT ${new_baseline}/source_table.cpp
  COMMAND source_hashes ${new_baseline} ${new_baseline}/source_table.cpp --methods-only
  DEPENDS source_hashes ${new_baseline}/baselines/made_by_new.cpp VERBATIM)
add_executable(cmkd_with_new_baseline ${CMAKE_SOURCE_DIR}/apps/main.cpp ${new_baseline}/baselines/made_by_new.cpp
                                      ${new_baseline}/source_table.cpp)
target_link_libraries(cmkd_with_new_baseline PRIVATE cmkd_commands cmkd_options)
cmkd_use_precompiled_header(cmkd_with_new_baseline)
add_executable(test_new_baseline ${new_baseline_files})
target_include_directories(test_new_baseline PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/baselines)
target_link_libraries(test_new_baseline PRIVATE cmkd_baselines cmkd_options cmkd_test_support)
cmkd_use_precompiled_header(test_new_baseline)
add_test(NAME new_baseline COMMAND test_new_baseline)
set_tests_properties(new_baseline PROPERTIES TIMEOUT 600)
target_compile_definitions(test_apps PRIVATE CMKD_WITH_NEW_BASELINE="$<TARGET_FILE:cmkd_with_new_baseline>")
add_dependencies(test_apps cmkd_with_new_baseline)
