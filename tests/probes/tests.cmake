cmkd_test(probes DEPS probes metrics core)
