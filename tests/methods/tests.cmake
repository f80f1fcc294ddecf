cmkd_test(methods TORCH DEPS methods models runtime core)
