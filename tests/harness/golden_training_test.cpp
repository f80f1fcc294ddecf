// What the shared code computes, pinned: a few steps of every method on made data, its loss terms, a checksum of its
// weights and the likelihood of its test clips, within 1e-5, so that machines may differ in their last bits.
//
// The stored results of users hold the key of a configuration, not of the shared code. When shared code begins to
// compute something else, kTrainingVersion must rise: the old results are then not taken for new.
#include "catch.h"
//
#include <ATen/Functions.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cmkd/harness/keys.h"
#include "cmkd/methods/method.h"
#include "cmkd/runtime/tensors.h"
#include "trained.h"

using namespace cmkd;
using nlohmann::json;

namespace {

constexpr double kGoldenTolerance = 1e-5;

std::filesystem::path golden_trainings_file() { return test::source_dir() / "tests/golden/trainings.json"; }

bool approves_golden_trainings() {
  const char* set = std::getenv("CMKD_APPROVE");
  return set != nullptr && std::string(set) == "1";
}

// Of all values in the order of their names: the sum of their sizes, and one that knows where each stands.
json checksum_of(const TensorMap& weights) {
  double absolute = 0;
  double placed = 0;
  for (const auto& [name, tensor] : weights) {
    const at::Tensor values = tensor.to(at::kDouble).flatten();
    const at::Tensor places = at::arange(values.numel(), at::kDouble).mul(0.1).cos();
    absolute += values.abs().sum().item<double>();
    placed += values.mul(places).sum().item<double>();
  }
  return {{"absolute", absolute}, {"placed", placed}};
}

json measured_of(const test::Trained& trained, const std::string& label) {
  const RunResult& result = trained.run_results.at(label);
  INFO(label << ": " << result.training.reason);
  REQUIRE(result.training.status == results::RunStatus::kDone);
  json terms = json::object();
  for (const results::EpochValue& value : result.training.epochs) {
    if (value.kind == "term") terms[value.phase + " " + std::to_string(value.epoch) + " " + value.name] = value.value;
  }
  json measured{{"source", source_hash_of(method_registry().get(result.training.method))},
                {"terms", terms},
                {"weights", checksum_of(read_safetensors(trained.runs.weights(trained.keys.at(label))).tensors)}};
  for (const results::MetricValue& metric : result.evaluations.front().metrics) {
    if (metric.name == "nll" && metric.split == "test") measured["nll"] = metric.value;
  }
  REQUIRE(measured.contains("nll"));
  if (const auto& metrics = result.evaluations.front().metrics;
      std::ranges::find(metrics, "probe", &results::MetricValue::split) != metrics.end())
    measured["probed"] = true;
  return measured;
}

// Every registered method, and some of them where shared code does more: controls, damage, other optimisers.
std::map<std::string, json> measured_trainings() {
  const std::vector<std::string> shared{"training.keep_weights=true",     "teacher.training.keep_weights=true",
                                        "teacher.training.optimizer=sgd", "teacher.training.learning_rate=0.2",
                                        "teacher.training.epochs=8",      "training.learning_rate=0.02"};
  const auto run = [&](const std::vector<std::string>& methods, std::vector<std::string> overrides) {
    overrides.insert(overrides.begin(), shared.begin(), shared.end());
    return test::Trained(methods, overrides);
  };
  std::map<std::string, json> measured;
  std::vector<std::string> methods;
  std::vector<std::string> pretrainings;
  for (const std::string& id : method_registry().names()) {
    const MethodInfo& info = method_registry().get(id);
    if (info.source_hash == "of a test") continue;
    (info.needs.both_inputs ? pretrainings : methods).push_back(id);
  }
  // Transformers, judged by a probe on their features.
  const test::Trained pretrained(test::WholeSuite{}, test::pretraining_suite(pretrainings),
                                 {"training.keep_weights=true"});
  for (const std::string& id : pretrainings) measured[id] = measured_of(pretrained, id);
  const test::Trained every = run(methods, {"training.optimizer=sgd", "training.clip_gradient_norm=1.0"});
  for (const std::string& id : methods) measured[id] = measured_of(every, id);
  const std::map<std::string, std::vector<std::string>> variants{
      {"adam, warm-up", {"training.optimizer=adam", "training.learning_rate=1e-3", "training.warmup_epochs=0.5"}},
      {"adamw, clipped",
       {"training.optimizer=adamw", "training.learning_rate=1e-3", "training.clip_gradient_norm=0.1"}},
      {"noise", {"training.optimizer=sgd", "corruption.kind=noise", "corruption.share=0.5"}},
      {"swap", {"training.optimizer=sgd", "corruption.kind=swap"}},
      {"crops, windows", {"training.optimizer=sgd", "clip.crop=12", "clip.flip=true", "clip.windows=2"}}};
  for (const auto& [name, overrides] : variants) {
    const test::Trained trained = run({"mnf_csc"}, overrides);
    measured["mnf_csc, " + name] = measured_of(trained, "mnf_csc");
  }
  return measured;
}

bool is_close(double now, double golden, double scale) { return std::abs(now - golden) <= kGoldenTolerance * scale; }

// "" or what differs.
std::string difference_of(const json& now, const json& golden) {
  if (now.at("terms").size() != golden.at("terms").size()) return "another number of loss terms";
  // Steps of transformers carry a difference further: 1.7e-5 has been seen between processors of two makers.
  const bool probed = now.value("probed", false);
  for (const auto& [name, value] : golden.at("terms").items()) {
    if (!now.at("terms").contains(name)) return "no loss term '" + name + "'";
    const double term = now.at("terms").at(name);
    // A divergence is a difference of logarithms: its last bits are of their size, not of its own.
    if (!is_close(term, value, (probed ? 10.0 : 1.0) * std::max(std::abs(value.get<double>()), 1.0)))
      return "term '" + name + "' is " + std::to_string(term) + ", was " + std::to_string(value.get<double>());
  }
  const double size = golden.at("weights").at("absolute");
  for (const char* name : {"absolute", "placed"}) {
    if (!is_close(now.at("weights").at(name), golden.at("weights").at(name), size)) return "other weights";
  }
  // A probe is fitted until its gradient is small enough, which another compiler reaches a little elsewhere.
  if (!is_close(now.at("nll"), golden.at("nll"), probed ? 100.0 : 1.0)) return "another likelihood of the test clips";
  return "";
}

}  // namespace

TEST_CASE("what a training computes is what it computed when kTrainingVersion last rose") {
  const std::map<std::string, json> measured = measured_trainings();
  const json golden = json::parse(read_file(golden_trainings_file()), nullptr, false);
  const int golden_version = golden.is_object() ? golden.at("training_version").get<int>() : 0;
  std::vector<std::string> by_shared_code;  // methods whose own source is as it was
  json approved{{"training_version", kTrainingVersion}, {"methods", json::object()}};
  for (const auto& [name, now] : measured) {
    approved["methods"][name] = now;
    if (!golden.is_object() || !golden.at("methods").contains(name)) {
      if (!approves_golden_trainings()) WARN(name << ": no golden training yet; approve it with CMKD_APPROVE=1");
      continue;
    }
    const json& old = golden.at("methods").at(name);
    const std::string difference = difference_of(now, old);
    if (difference.empty()) {
      approved["methods"][name] = old;  // the last bits of another machine are no news
      approved["methods"][name]["source"] = now.at("source");
      continue;
    }
    INFO(name << ": " << difference);
    if (old.at("source") != now.at("source")) {
      INFO("its own source has changed: look whether that is wanted, then approve it with CMKD_APPROVE=1");
      CHECK(approves_golden_trainings());
    } else if (golden_version == kTrainingVersion) {
      by_shared_code.push_back(name + " (" + difference + ")");
    } else {
      INFO("kTrainingVersion has risen: approve the new values with CMKD_APPROVE=1");
      CHECK(approves_golden_trainings());
    }
  }
  INFO(
      "shared code computes something else for these, whose own source is as it was. Unless that is a mistake: raise "
      "kTrainingVersion in harness/include/cmkd/harness/keys.h, so that stored results are not taken for new, then "
      "approve with CMKD_APPROVE=1, and mark the change **results** in the changelog: "
      << join(by_shared_code));
  CHECK(by_shared_code.empty());
  if (approves_golden_trainings() && by_shared_code.empty()) {
    write_file_atomically(golden_trainings_file(), approved.dump(1) + "\n");
  }
}
