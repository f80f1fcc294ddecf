#include "cmkd/models/model.h"

#include <utility>

namespace cmkd {

Registry<ModelInfo>& model_registry() {
  static Registry<ModelInfo> registry("model");
  return registry;
}

ModelRegistration::ModelRegistration(ModelInfo info) {
  const std::string id = info.id;
  model_registry().add(id, std::move(info));
}

}  // namespace cmkd
