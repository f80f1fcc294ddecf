cmkd_test(suites TORCH DEPS suites baselines synthetic readers batches clips datasets core)
