cmkd_test(harness TORCH SECONDS 130 DEPS harness suites baselines core)
