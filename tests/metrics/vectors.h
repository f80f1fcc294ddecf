// The metric vectors of tests/vectors/metrics that the reference libraries gave.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace cmkd::metrics::test_support {

// (file name, that part of it) of every case*.json that has the part, by name. The others hold metrics that are not
// defined or infinite: vector_check_test.cpp reads all.
std::vector<std::pair<std::string, nlohmann::json>> cases_of(const std::string& part);

struct Matrix {
  std::vector<double> values;  // row-major
  std::int64_t columns = 0;
};
Matrix matrix(const nlohmann::json& rows);

// Fails the test unless they agree within 1e-9.
void check_close(double actual, double expected);

}  // namespace cmkd::metrics::test_support
