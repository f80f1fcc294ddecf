cmkd_test(harness TORCH DEPS harness suites baselines core)
