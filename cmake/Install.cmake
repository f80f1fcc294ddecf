# `cmake --install BUILD --prefix PREFIX` gives PREFIX/bin/cmkd that runs from anywhere: its RPATH names the folder of
# the LibTorch that it was linked with, and its suites, documentation, vectors and templates lie in PREFIX/share/cmkd.
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)
set(CMKD_DATA_DIR ${CMAKE_INSTALL_DATADIR}/cmkd)
install(DIRECTORY suites/ DESTINATION ${CMKD_DATA_DIR}/suites FILES_MATCHING PATTERN "*.toml" PATTERN include EXCLUDE)
install(DIRECTORY docs/ DESTINATION ${CMKD_DATA_DIR}/docs)
install(DIRECTORY tests/vectors/ DESTINATION ${CMKD_DATA_DIR}/vectors)
install(DIRECTORY baselines/template/ DESTINATION ${CMKD_DATA_DIR}/templates)
install(FILES README.md LICENSE CHANGELOG.md DESTINATION ${CMKD_DATA_DIR})
