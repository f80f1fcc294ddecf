cmkd_test(datasets TORCH DEPS datasets media runtime core)
