cmkd_test(probes DEPS probes metrics core)
add_test(NAME probes_blas_order COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/probes/blas_order_test.sh $<TARGET_FILE:cmkd>)
