cmkd_test(tools DEPS core LIBS cmkd_source_hashes)
