#include "cmkd/harness/step_guard.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>
#include <torch/nn/module.h>

#include <stdexcept>
#include <unordered_set>

#include "cmkd/core/error.h"
#include "cmkd/runtime/errors.h"

namespace cmkd {

namespace {

using torch::autograd::AccumulateGrad;
using torch::autograd::Node;

std::string shape_of(const at::Tensor& tensor) { return fmt::format("[{}]", fmt::join(tensor.sizes(), ", ")); }

// The leaves that backward from a value would fill. Graphs are as deep as networks, so the walk keeps its own stack.
class LeafWalk {
 public:
  // Leaves that no earlier call has found.
  std::vector<at::Tensor> from(const at::Tensor& value) {
    std::vector<at::Tensor> leaves;
    if (!value.requires_grad()) return leaves;
    if (!value.grad_fn()) return {value};
    visit(value.grad_fn().get());
    while (!open_.empty()) {
      Node& node = *open_.back();
      open_.pop_back();
      for (const torch::autograd::Edge& edge : node.next_edges()) visit(edge.function.get());
      if (const auto* leaf = dynamic_cast<const AccumulateGrad*>(&node)) leaves.push_back(leaf->variable);
    }
    return leaves;
  }

 private:
  void visit(Node* node) {
    if (node != nullptr && seen_.insert(node).second) open_.push_back(node);
  }

  std::unordered_set<const Node*> seen_;
  std::vector<Node*> open_;
};

}  // namespace

BatchGuard::BatchGuard(const Batch& batch) {
  for_each_tensor(batch, [this](const char* name, const at::Tensor& tensor) {
    watched_.push_back({name, &tensor, tensor._version()});
  });
}

void BatchGuard::require_unchanged() const {
  for (const Watched& watched : watched_) {
    if (watched.tensor->_version() == watched.version) continue;
    throw std::runtime_error(
        fmt::format("it changes {} in place; they are read-only: use the form without a trailing underscore (sub for "
                    "sub_), or clone() first",
                    watched.name));
  }
}

void require_scalar_terms(const std::vector<LossTerm>& terms) {
  for (const LossTerm& term : terms) {
    if (!term.value.defined()) {
      throw std::runtime_error(fmt::format("its term '{}' has no value: the tensor is undefined", term.name));
    }
    if (term.value.dim() == 0) continue;
    throw std::runtime_error(
        fmt::format("its term '{}' is a tensor of shape {}, not a single number: reduce it, for "
                    "example with mean()",
                    term.name, shape_of(term.value)));
  }
}

void require_owned(const std::vector<LossTerm>& terms, const std::vector<ModuleGroup>& groups) {
  std::unordered_set<const void*> owned;
  for (const ModuleGroup& group : groups) {
    for (const at::Tensor& parameter : unique_parameters(*group.module)) owned.insert(parameter.unsafeGetTensorImpl());
  }
  LeafWalk walk;
  for (const LossTerm& term : terms) {
    std::vector<std::string> strays;
    for (const at::Tensor& leaf : walk.from(term.value)) {
      if (!owned.contains(leaf.unsafeGetTensorImpl())) strays.push_back(shape_of(leaf));
    }
    if (strays.empty()) continue;
    throw std::runtime_error(
        fmt::format("its term '{}' depends on parameters that belong to no group (of shape {}) and would never be "
                    "trained: register them with register_module or register_parameter, or detach what stays frozen",
                    term.name, fmt::join(strays, ", ")));
  }
}

bool blames_method(const std::exception& error) {
  const auto* own = dynamic_cast<const Error*>(&error);
  return own == nullptr || (own->kind() != ErrorKind::kInterrupted && own->kind() != ErrorKind::kEnvironment);
}

std::string reason_of(const std::exception& error) {
  const auto* own = dynamic_cast<const Error*>(&error);
  if (own == nullptr) return short_message(error);
  const ErrorParts& parts = own->parts();
  std::string reason = parts.what;
  if (!parts.where.empty()) reason += " (" + parts.where + ")";
  if (!parts.allowed.empty()) reason += "; allowed: " + parts.allowed;
  if (!parts.fix.empty()) reason += "; " + parts.fix;
  return reason;
}

}  // namespace cmkd
