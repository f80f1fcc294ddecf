// untrained — the control of pretraining: the features of networks with random weights.
//
//   no loss, no step
//
// Batches are drawn as for every other method, so that it is paired with them. What a classifier reaches on these
// features is what the architecture gives without learning anything.
#include <ATen/ATen.h>

#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/methods/method.h"

namespace cmkd {
namespace {

class Untrained final : public Training {
 public:
  explicit Untrained(const TrainingSetup& setup)
      : student_(setup.student), other_(setup.other), modality_(setup.student_shape.modality) {
    if (!student_ || !other_) throw Error(ErrorKind::kInternal, {.what = "untrained without both networks"});
  }

  std::vector<ModuleGroup> groups() override { return {{"student", student_, 1.0, std::nullopt, {}}}; }

  StepResult step(const StepContext& /*context*/, const Batch& /*batch*/) override { return {}; }

  Predictor predictor() override { return encoders({modality_}); }

  Predictor encoders(const std::vector<Modality>& modalities) override {
    const auto encode = [student = student_, other = other_, own = modality_, modalities](const Batch& batch) {
      std::vector<at::Tensor> features;
      for (const Modality modality : modalities) {
        features.push_back((modality == own ? *student : *other).forward(batch.input(modality)).embedding);
      }
      ModelOutput output;
      output.embedding = joined_features(features);
      return output;
    };
    std::vector<std::shared_ptr<torch::nn::Module>> used;
    for (const Modality modality : modalities) used.push_back(modality == modality_ ? student_ : other_);
    return {modalities, used, encode};
  }

 private:
  std::shared_ptr<Model> student_;
  std::shared_ptr<Model> other_;
  Modality modality_;
};

MethodInfo describe_untrained() {
  MethodInfo info;
  info.id = "untrained";
  info.title = "Random network";
  info.formula = "no loss: the first weights as they are";
  info.role = MethodRole::kUntrained;
  info.presets["paper"] = {};
  info.presets["suite"] = {};
  info.needs.teacher = false;
  info.needs.both_inputs = true;
  info.multi_label = true;
  info.classifies = false;
  info.unlabelled = "as every other clip: nothing is learned";
  info.make = [](const TrainingSetup& setup) -> std::unique_ptr<Training> {
    return std::make_unique<Untrained>(setup);
  };
  return info;
}

const MethodRegistration untrained_registration{describe_untrained()};

}  // namespace
}  // namespace cmkd
