cmkd_test(baselines TORCH DEPS baselines methods models runtime core)
