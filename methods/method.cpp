#include "cmkd/methods/method.h"

#include <ATen/ATen.h>

#include "cmkd/core/error.h"
#include "cmkd/methods/source_code.h"

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
    case MethodRole::kUntrained:
      return "untrained";
  }
  return "method";
}

Registry<MethodInfo>& method_registry() {
  // Never destroyed: registrations and their users may outlive any order of static destruction.
  static auto* registry = new Registry<MethodInfo>("method");
  return *registry;
}

std::string source_hash_of(const MethodInfo& info) {
  if (!info.source_hash.empty()) return info.source_hash;
  const MethodSource* source = source_of_file(info.source_file);
  if (source != nullptr) return source->hash;
  throw Error(ErrorKind::kInternal, {"method '" + info.id + "' is registered by a file that the build has not hashed",
                                     info.source_file, "methods/*.cpp, methods/*/*.cpp, baselines/*.cpp",
                                     "move it there; one's own project links a table made by tools/source_hashes"});
}

MethodRegistration::MethodRegistration(MethodInfo info, const char* file) {
  const std::string id = info.id;
  info.source_file = file;
  method_registry().add(id, std::move(info));
}

VectorCase::VectorCase(TensorMap tensors, c10::Device device) : tensors_(std::move(tensors)), device_(device) {
  for (auto& [name, tensor] : tensors_) {
    if (!name.starts_with("hyper.")) tensor = tensor.to(device);
  }
}

const at::Tensor& VectorCase::at(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) throw Error(ErrorKind::kData, {.what = "the case has no tensor '" + name + "'"});
  return found->second;
}

double VectorCase::hyper(const std::string& name) const {
  const at::Tensor& value = at("hyper." + name);
  if (value.numel() != 1) throw Error(ErrorKind::kData, {.what = "'hyper." + name + "' is not a single number"});
  return value.item<double>();
}

TensorMap VectorCase::with_prefix(const std::string& prefix) const { return cmkd::with_prefix(tensors_, prefix); }

at::Tensor VectorCase::leaf(const std::string& name) const { return at(name).detach().clone().requires_grad_(true); }

}  // namespace cmkd
