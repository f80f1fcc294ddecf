#include "cmkd/methods/method.h"

#include <ATen/ATen.h>

#include "cmkd/core/error.h"

namespace cmkd {

const char* to_string(Verified verified) noexcept {
  switch (verified) {
    case Verified::kStep:
      return "step";
    case Verified::kLoss:
      return "loss";
    case Verified::kPart:
      return "part";
    case Verified::kNone:
      return "none";
  }
  return "none";
}

const char* to_string(MethodRole role) noexcept {
  switch (role) {
    case MethodRole::kMethod:
      return "method";
    case MethodRole::kLowerBound:
      return "lower bound";
    case MethodRole::kCeiling:
      return "ceiling";
    case MethodRole::kTeacher:
      return "teacher";
    case MethodRole::kUpperBound:
      return "upper bound";
  }
  return "method";
}

Registry<MethodInfo>& method_registry() {
  // Never destroyed: registrations and their users may outlive any order of static destruction.
  static auto* registry = new Registry<MethodInfo>("method");
  return *registry;
}

MethodRegistration::MethodRegistration(MethodInfo info) {
  const std::string id = info.id;
  method_registry().add(id, std::move(info));
}

const at::Tensor& VectorCase::at(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) throw Error(ErrorKind::kData, {"the case has no tensor '" + name + "'", "", "", ""});
  return found->second;
}

double VectorCase::hyper(const std::string& name) const {
  const at::Tensor& value = at("hyper." + name);
  if (value.numel() != 1) throw Error(ErrorKind::kData, {"'hyper." + name + "' is not a single number", "", "", ""});
  return value.item<double>();
}

TensorMap VectorCase::with_prefix(const std::string& prefix) const { return cmkd::with_prefix(tensors_, prefix); }

at::Tensor VectorCase::leaf(const std::string& name) const { return at(name).detach().clone().requires_grad_(true); }

}  // namespace cmkd
