cmkd_test(media DEPS media core)
