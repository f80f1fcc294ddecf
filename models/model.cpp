#include "cmkd/models/model.h"

#include <torch/nn/modules/linear.h>

#include <utility>

#include "cmkd/core/error.h"

namespace cmkd {

at::Tensor Model::classify(const at::Tensor& embedding) {
  for (const auto& child : named_children()) {
    if (child.key() != "fc") continue;
    if (auto* linear = child.value()->as<torch::nn::Linear>()) return linear->forward(embedding);
  }
  throw Error(ErrorKind::kUsage, {.what = "the network has no classifier that can be run on an embedding",
                                  .allowed = "a linear layer 'fc', or a model that overrides Model::classify",
                                  .fix = "take another network, or leave out the method that changes embeddings"});
}

Registry<ModelInfo>& model_registry() {
  static Registry<ModelInfo> registry("model");
  return registry;
}

ModelRegistration::ModelRegistration(ModelInfo info) {
  const std::string id = info.id;
  model_registry().add(id, std::move(info));
}

}  // namespace cmkd
