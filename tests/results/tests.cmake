cmkd_test(results DEPS results core LIBS PkgConfig::SQLITE)
# The private headers of results/ (SQLite's owners, the migrations) are tested too.
target_include_directories(test_results PRIVATE ${PROJECT_SOURCE_DIR}/results)
