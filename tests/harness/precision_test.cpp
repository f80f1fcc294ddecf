// Precision and memory format of a step: what they change, what they leave, and that every method bears them.
#include "catch.h"
//
#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/autocast_mode.h>

#include <cmath>

#include "cmkd/core/error.h"
#include "cmkd/harness/runner.h"
#include "cmkd/methods/method.h"
#include "cmkd/runtime/precision.h"
#include "trained.h"

using namespace cmkd;
using cmkd::test::Trained;

namespace {

const std::vector<std::string> kBf16{"training.precision=bf16", "teacher.training.precision=bf16"};
const std::vector<std::string> kChannelsLast{"training.memory_format=channels_last",
                                             "teacher.training.memory_format=channels_last"};

// That classify clips of one label, on the tiny networks.
std::vector<std::string> classifying_methods() {
  std::vector<std::string> ids;
  for (const std::string& id : method_registry().names()) {
    const MethodInfo& info = method_registry().get(id);
    if (info.classifies && info.role != MethodRole::kTeacher) ids.push_back(id);
  }
  return ids;
}

// Each method's likelihood of the test clips with `settings` beside the one without; both are printed when it fails.
void require_close_trainings(const std::vector<std::string>& settings, double tolerance) {
  const std::vector<std::string> methods = classifying_methods();
  REQUIRE(methods.size() > 25);
  const Trained plain(methods);
  const Trained changed(methods, settings);
  const auto likelihood = [](const RunResult& result) {
    for (const results::MetricValue& metric : result.evaluations.front().metrics) {
      if (metric.name == "nll") return metric.value;
    }
    return std::nan("");
  };
  int others = 0;  // with other last bits: the setting reaches the step
  for (const auto& [label, record] : plain.records) {
    const results::TrainingRecord& other = changed.records.at(label);
    INFO(label << ": " << record.reason << other.reason);
    REQUIRE(record.status == results::RunStatus::kDone);
    CHECK(other.status == results::RunStatus::kDone);
    if (other.status != results::RunStatus::kDone) continue;
    CHECK(changed.keys.at(label) != plain.keys.at(label));
    CHECK(other.initial_weights_fingerprint == record.initial_weights_fingerprint);
    CHECK(other.batch_order_fingerprint == record.batch_order_fingerprint);
    CHECK(likelihood(changed.run_results.at(label)) ==
          Approx(likelihood(plain.run_results.at(label))).margin(tolerance));
    if (other.final_weights_fingerprint != record.final_weights_fingerprint) ++others;
  }
  CHECK(others > 20);
}

}  // namespace

TEST_CASE("products within an autocast scope are in bfloat16, weights are read anew in the next one") {
  at::Tensor weight = at::ones({4, 4}, at::TensorOptions().requires_grad(true));
  const at::Tensor input = at::ones({2, 4});
  {
    const ScopedAutocast off(Precision::kFloat32, c10::kCPU);
    CHECK(at::matmul(input, weight).scalar_type() == at::kFloat);
  }
  {
    const ScopedAutocast on(Precision::kBf16, c10::kCPU);
    const at::Tensor product = at::matmul(input, weight);
    CHECK(product.scalar_type() == at::kBFloat16);
    CHECK(product[0][0].item<float>() == 4.0F);
  }
  CHECK_FALSE(at::autocast::is_autocast_enabled(at::kCPU));
  {
    const at::NoGradGuard no_grad;
    weight.fill_(2);
  }
  const ScopedAutocast on(Precision::kBf16, c10::kCPU);
  CHECK(at::matmul(input, weight)[0][0].item<float>() == 8.0F);
}

TEST_CASE("TF32 is allowed within its scope alone, and a CPU is refused what it lacks or computes wrongly") {
  CHECK_FALSE(at::globalContext().allowTF32CuBLAS());
  {
    const ScopedTf32 none(Precision::kBf16);
    CHECK_FALSE(at::globalContext().allowTF32CuBLAS());
    const ScopedTf32 some(Precision::kTf32);
    CHECK(at::globalContext().allowTF32CuBLAS());
    CHECK(at::globalContext().allowTF32CuDNN());
  }
  CHECK_FALSE(at::globalContext().allowTF32CuBLAS());
  CHECK_NOTHROW(require_precision(Precision::kFloat32, c10::kCPU, "training.precision"));
  CHECK_NOTHROW(require_precision(Precision::kBf16, {c10::kCUDA, 0}, "training.precision"));
  CHECK_THROWS_WITH(require_precision(Precision::kBf16, c10::kCPU, "training.precision"),
                    message_contains("cpu") && message_contains("bf16"));
  CHECK_NOTHROW(require_precision(Precision::kTf32, {c10::kCUDA, 0}, "training.precision"));
  CHECK_THROWS_WITH(require_precision(Precision::kTf32, c10::kCPU, "training.precision"),
                    message_contains("cpu") && message_contains("training.precision"));
}

TEST_CASE("every method trains with convolutions that lie channels last, to the same but for rounding") {
  require_close_trainings(kChannelsLast, 0.02);
}

// On the CPU, at shapes where its convolutions are right: a run is refused there (require_precision).
TEST_CASE("every method trains in bfloat16, to a classifier near that of float32") {
  require_close_trainings(kBf16, 0.25);
}

TEST_CASE("pretraining of both modalities bears either") {
  const Trained plain(test::WholeSuite{}, test::pretraining_suite({"xkd", "mae"}), {});
  for (const std::vector<std::string>& settings : {kBf16, kChannelsLast}) {
    const Trained changed(test::WholeSuite{}, test::pretraining_suite({"xkd", "mae"}), settings);
    for (const auto& [label, record] : changed.records) {
      INFO(label << ": " << record.reason);
      CHECK(record.status == results::RunStatus::kDone);
      CHECK(changed.keys.at(label) != plain.keys.at(label));
    }
  }
}
