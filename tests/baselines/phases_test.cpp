// Methods of several phases: what a checkpoint of any phase holds is enough to go on.
#include "catch.h"
//
#include "tiny.h"

using namespace cmkd;

namespace {

constexpr std::int64_t kStepsOfPhase = 3;

// One step of plain gradient descent in the phase of that number.
void step_in_phase(Training& training, const MethodInfo& info, std::size_t phase, std::int64_t step) {
  const std::int64_t of_all = static_cast<std::int64_t>(phase) * kStepsOfPhase + step;
  const ScopedSeed seed(static_cast<std::uint64_t>(500 + of_all));
  StepContext context;
  context.phase = training.phases().at(phase).name;
  context.epochs = 1;
  context.step = step;
  context.steps_per_epoch = kStepsOfPhase;
  (void)test::take_step(training, context, test::tiny_batch(info, of_all));
}

// All steps of all phases; after step `stop` of phase `stop_phase` in a new training that knows the checkpoint alone.
TensorMap trained(const MethodInfo& info, std::size_t stop_phase, std::int64_t stop) {
  auto training = test::make_tiny(info);
  const std::size_t phases = training->phases().size();
  for (std::size_t phase = 0; phase < phases; ++phase) {
    for (std::int64_t step = 0; step < kStepsOfPhase; ++step) {
      step_in_phase(*training, info, phase, step);
      if (phase != stop_phase || step != stop) continue;
      const TensorMap saved = test::checkpoint_of(*training);
      training = test::make_tiny(info);
      // As the harness does before it restores: whatever a phase needs in eval mode, it has to ask for.
      for (const ModuleGroup& group : training->groups()) group.module->train();
      test::restore(*training, saved);
    }
  }
  return test::checkpoint_of(*training);
}

}  // namespace

TEST_CASE("Stopped after any step of any phase, a method of several goes on to the same bytes") {
  std::size_t tried = 0;
  for (const std::string& id : method_registry().names()) {
    const MethodInfo& info = method_registry().get(id);
    const std::size_t phases = test::make_tiny(info)->phases().size();
    if (phases < 2) continue;
    ++tried;
    const std::string straight = fingerprint(trained(info, phases, 0));
    for (std::size_t phase = 0; phase < phases; ++phase) {
      for (std::int64_t step = 0; step < kStepsOfPhase; ++step) {
        INFO(id << ", phase " << phase << ", step " << step);
        CHECK(fingerprint(trained(info, phase, step)) == straight);
      }
    }
  }
  CHECK(tried >= 6);  // ab, ft, mst_distill, mfh and its controls
}

TEST_CASE("A phase changes no group that it does not train") {
  for (const std::string& id : method_registry().names()) {
    const MethodInfo& info = method_registry().get(id);
    const auto training = test::make_tiny(info);
    const std::vector<Phase> phases = training->phases();
    if (phases.size() < 2) continue;
    for (std::size_t phase = 0; phase < phases.size(); ++phase) {
      std::map<std::string, std::string> before;
      for (const ModuleGroup& group : training->groups()) {
        TensorMap parameters;
        for (const auto& [name, tensor] : unique_named_parameters(*group.module)) parameters.emplace(name, tensor);
        before[group.name] = fingerprint(parameters);
      }
      for (std::int64_t step = 0; step < kStepsOfPhase; ++step) step_in_phase(*training, info, phase, step);
      for (const ModuleGroup& group : training->groups()) {
        INFO(id << ", phase " << phases[phase].name << ", group " << group.name);
        TensorMap parameters;
        for (const auto& [name, tensor] : unique_named_parameters(*group.module)) parameters.emplace(name, tensor);
        if (fingerprint(parameters) != before.at(group.name)) CHECK(trained_in(group, phases[phase].name));
      }
    }
  }
}
