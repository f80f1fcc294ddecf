cmkd_test(models TORCH DEPS models runtime core)
