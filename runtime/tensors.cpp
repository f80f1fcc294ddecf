#include "cmkd/runtime/tensors.h"

#include <torch/csrc/jit/serialization/pickle.h>
#include <torch/nn/module.h>
#include <torch/serialize.h>

#include <unordered_set>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/core/hash.h"
#include "cmkd/runtime/errors.h"

namespace cmkd {

namespace {

void add_to(Hasher& hasher, const at::Tensor& tensor) {
  const at::Tensor host = tensor.detach().to(at::kCPU).contiguous();
  hasher.field(c10::toString(host.scalar_type()));
  hasher.field(host.dim());
  for (const std::int64_t size : host.sizes()) hasher.field(size);
  hasher.update(std::span(static_cast<const std::byte*>(host.const_data_ptr()), host.nbytes()));
}

}  // namespace

std::string fingerprint(const at::Tensor& tensor) {
  Hasher hasher;
  add_to(hasher, tensor);
  return hasher.hex();
}

std::string fingerprint(const TensorMap& tensors) {
  Hasher hasher;
  for (const auto& [name, tensor] : tensors) {
    hasher.field(name);
    add_to(hasher, tensor);
  }
  return hasher.hex();
}

namespace {

// Calls visit(name, tensor) for every parameter and buffer, shared tensors once.
template <typename Visit>
void visit_state(const torch::nn::Module& module, const Visit& visit) {
  std::unordered_set<const void*> seen;
  for (const auto& list : {module.named_parameters(), module.named_buffers()}) {
    for (const auto& item : list) {
      if (item.value().defined() && seen.insert(item.value().unsafeGetTensorImpl()).second)
        visit(item.key(), item.value());
    }
  }
}

}  // namespace

TensorMap state_of(const torch::nn::Module& module) {
  TensorMap state;
  visit_state(module, [&](const std::string& name, const at::Tensor& tensor) { state.emplace(name, tensor.detach()); });
  return state;
}

void copy_state(const TensorMap& state, const TensorMap& own, const std::string& where) {
  for (const auto& [name, tensor] : state) {
    if (!own.contains(name)) {
      throw Error(ErrorKind::kData,
                  {.what = "unexpected tensor '" + name + "': the model has no such parameter", .where = where});
    }
  }
  for (const auto& [name, tensor] : own) {
    const auto given = state.find(name);
    if (given == state.end()) throw Error(ErrorKind::kData, {.what = "missing tensor '" + name + "'", .where = where});
    if (given->second.sizes() != tensor.sizes()) {
      throw Error(ErrorKind::kData,
                  {.what = "tensor '" + name + "' has another shape than the model's", .where = where});
    }
  }
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : own) at::Tensor(tensor).copy_(state.at(name));
}

void load_state(torch::nn::Module& module, const TensorMap& state, const std::string& where) {
  copy_state(state, state_of(module), where);
}

TensorMap with_prefix(const TensorMap& tensors, const std::string& prefix) {
  TensorMap found;
  for (auto entry = tensors.lower_bound(prefix); entry != tensors.end() && entry->first.starts_with(prefix); ++entry) {
    found.emplace(entry->first.substr(prefix.size()), entry->second);
  }
  return found;
}

void add_with_prefix(TensorMap& target, const std::string& prefix, const TensorMap& source) {
  for (const auto& [name, tensor] : source) target.emplace(prefix + name, tensor);
}

std::vector<at::Tensor> unique_parameters(const torch::nn::Module& module) {
  std::vector<at::Tensor> unique;
  for (auto& [name, parameter] : unique_named_parameters(module)) unique.push_back(std::move(parameter));
  return unique;
}

std::vector<std::pair<std::string, at::Tensor>> unique_named_parameters(const torch::nn::Module& module) {
  std::vector<std::pair<std::string, at::Tensor>> unique;
  std::unordered_set<const void*> seen;
  for (const auto& item : module.named_parameters()) {
    const at::Tensor& parameter = item.value();
    if (parameter.requires_grad() && seen.insert(parameter.unsafeGetTensorImpl()).second) {
      unique.emplace_back(item.key(), parameter);
    }
  }
  return unique;
}

TensorMap read_tensor_dict(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  try {
    const c10::IValue value = torch::jit::pickle_load(std::vector<char>(bytes.begin(), bytes.end()));
    TensorMap tensors;
    for (const auto& item : value.toGenericDict()) tensors.emplace(item.key().toStringRef(), item.value().toTensor());
    return tensors;
  } catch (const c10::Error& error) {
    throw Error(ErrorKind::kData, {.what = "not a dict of tensors as torch.save writes it: " + short_message(error),
                                   .where = path.string(),
                                   .fix = "write it with torch.save({name: tensor, …}, path)"});
  }
}

}  // namespace cmkd
