cmkd_test(suites TORCH DEPS suites baselines core)
