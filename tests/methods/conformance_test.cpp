#include "catch.h"
//
#include <ATen/ATen.h>

#include <fstream>
#include <limits>

#include "cmkd/core/error.h"
#include "cmkd/methods/conformance.h"
#include "cmkd/methods/method.h"
#include "paths.h"

using namespace cmkd;

namespace {

const double kInfinity = std::numeric_limits<double>::infinity();
const double kNaN = std::numeric_limits<double>::quiet_NaN();

const FolderResult& folder_of(const ConformanceReport& report, const std::string& name) {
  for (const FolderResult& folder : report.folders) {
    if (folder.folder == name) return folder;
  }
  FAIL("no folder " << name);
  return report.folders.front();
}

}  // namespace

TEST_CASE("MNF+CSC and its calibration agree with the official code on every vector") {
  const ConformanceReport report = run_conformance(test::vectors_dir());
  for (const std::string name : {"mnf_csc", "csc"}) {
    const FolderResult& folder = folder_of(report, name);
    INFO(name << ": values " << folder.value_error << ", gradients " << folder.gradient_error << ", " << folder.detail);
    CHECK(folder.verdict == ConformanceVerdict::kPass);
    CHECK(folder.cases.size() >= 2);
    CHECK(folder.implementation == name);
  }
}

TEST_CASE("A folder without an implementation is named as not covered") {
  const FolderResult folder = folder_of(run_conformance(test::vectors_dir()), "statistics");
  CHECK(folder.verdict == ConformanceVerdict::kNotCovered);
  CHECK(folder.detail == "no implementation");
}

TEST_CASE("One vector folder may be checked alone") {
  const ConformanceReport report = run_conformance(test::vectors_dir() / "csc");
  REQUIRE(report.folders.size() == 1);
  CHECK(report.folders[0].verdict == ConformanceVerdict::kPass);
}

TEST_CASE("A broken case is a mismatch with its reason, and the others are still checked") {
  const test::TemporaryFolder folder;
  std::filesystem::create_directories(folder / "csc");
  std::filesystem::copy(test::vectors_dir() / "csc" / "case0_adaptive.pt", folder / "csc");
  std::ofstream(folder / "csc" / "broken.pt") << "no dict at all";
  const ConformanceReport report = run_conformance(folder.path());
  REQUIRE(report.folders.size() == 1);
  CHECK(report.folders[0].verdict == ConformanceVerdict::kMismatch);
  CHECK(report.folders[0].cases.size() == 2);
  CHECK(report.folders[0].detail.find("broken: ") == 0);
}

TEST_CASE("A folder that is not there is an error") { CHECK_THROWS_AS(run_conformance("/no/such/folder"), Error); }

TEST_CASE("The error of a tensor is relative to its largest value, and to a millionth of the case's largest") {
  const at::Tensor expected = at::tensor({2.0, -4.0}, at::kDouble);
  // |2.2 − 2| = 0.2, largest 4: 0.05
  CHECK(tensor_error(at::tensor({2.2, -4.0}, at::kDouble), expected, 4.0) == Approx(0.05));
  // An expected zero in a case whose largest value is 10: 1e-6 / (1e-6 · 10) = 0.1
  CHECK(tensor_error(at::tensor({1e-6}, at::kDouble), at::tensor({0.0}, at::kDouble), 10.0) == Approx(0.1));
  CHECK(tensor_error(at::tensor({0.0}, at::kDouble), at::tensor({0.0}, at::kDouble), 0.0) == 0.0);
}

TEST_CASE("NaN and infinities must stand in the same places") {
  const at::Tensor expected = at::tensor({1.0, kNaN, kInfinity}, at::kDouble);
  CHECK(tensor_error(expected.clone(), expected, 1.0) == 0.0);
  CHECK(tensor_error(at::tensor({1.0, kNaN, -kInfinity}, at::kDouble), expected, 1.0) == kInfinity);
  CHECK(tensor_error(at::tensor({kNaN, kNaN, kInfinity}, at::kDouble), expected, 1.0) == kInfinity);
  CHECK(tensor_error(at::tensor({1.0, 0.0, kInfinity}, at::kDouble), expected, 1.0) == kInfinity);
}

TEST_CASE("Integers and booleans must be equal") {
  CHECK(tensor_error(at::tensor({1, 2}, at::kLong), at::tensor({1, 2}, at::kLong), 1.0) == 0.0);
  CHECK(tensor_error(at::tensor({1, 3}, at::kLong), at::tensor({1, 2}, at::kLong), 1.0) == kInfinity);
  CHECK(tensor_error(at::tensor({1.0, 2.0}, at::kDouble), at::tensor({1, 2}, at::kLong), 1.0) == kInfinity);
}

TEST_CASE(
    "A gradient that is rounding noise on both sides agrees and is named; one that is small but real is compared") {
  const auto grads = [](double small) {
    return TensorMap{{"grad.bias", at::full({2}, small, at::kDouble)}, {"grad.weight", at::ones({2}, at::kDouble)}};
  };
  const CaseResult noise = compare_case("case", grads(-1e-15), grads(2e-15));
  CHECK(noise.gradient_error == 0.0);
  CHECK(noise.rounding == std::vector<std::string>{"grad.bias"});
  const CaseResult real = compare_case("case", grads(1.1e-12), grads(1e-12));  // 1e-13 / (1e-6 · 1)
  CHECK(real.gradient_error == Approx(1e-7));
  CHECK(real.rounding.empty());
  CHECK(compare_case("case", grads(1e-3), grads(1e-15)).gradient_error > 1.0);
}

TEST_CASE("What a check does not compute is a problem that names the tensor") {
  const TensorMap expected{{"loss", at::ones({}, at::kDouble)}, {"grad.student", at::ones({2}, at::kDouble)}};
  const CaseResult result = compare_case("case", {{"loss", at::ones({}, at::kDouble)}}, expected);
  CHECK(result.problem == "not computed: grad.student");
  CHECK(compare_case("case", {}, {}).problem.find("expects nothing") != std::string::npos);
}
