#include "cmkd/methods/vector_checks.h"

#include <ATen/ATen.h>

#include "cmkd/core/error.h"

namespace cmkd {

void make_double(torch::nn::Module& module, c10::Device device) {
  module.to(device);
  for (const auto& tensors : {module.parameters(), module.buffers()}) {
    for (const at::Tensor& tensor : tensors) {
      if (at::isFloatingType(tensor.scalar_type())) tensor.set_data(tensor.detach().to(at::kDouble));
    }
  }
}

void load_case(torch::nn::Module& module, const VectorCase& vector_case) {
  make_double(module, vector_case.device());
  module.train();
  TensorMap state = vector_case.with_prefix("param.");
  state.merge(vector_case.with_prefix("buffer."));
  load_state(module, state, "the case's param.* and buffer.*");
}

MethodInput unlabelled_input(const at::Tensor& features) {
  const std::int64_t batch = features.size(0);
  const at::TensorOptions there = at::TensorOptions().device(features.device());
  MethodInput input;
  input.labels = at::full({batch}, -1, there.dtype(at::kLong));
  input.label_known = at::zeros({batch}, there.dtype(at::kBool));
  input.pseudo_labels = at::zeros({batch}, there.dtype(at::kLong));
  input.student.logits = at::zeros({batch, 1}, there.dtype(at::kDouble));
  return input;
}

MethodInput labelled_input(const at::Tensor& labels) {
  MethodInput input;
  input.labels = labels;
  input.label_known = at::ones_like(labels, at::kBool);
  input.pseudo_labels = labels;
  return input;
}

namespace {

std::vector<at::Tensor> tensors_of(const NamedLeaves& leaves) {
  std::vector<at::Tensor> tensors;
  for (const auto& [name, tensor] : leaves) tensors.push_back(tensor);
  return tensors;
}

// A gradient that no term reaches is zero.
at::Tensor gradient_of(const at::Tensor& tensor) {
  return tensor.grad().defined() ? tensor.grad().detach().clone() : at::zeros_like(tensor).detach();
}

}  // namespace

TensorMap routed_gradients(const std::vector<LossTerm>& terms, const std::shared_ptr<torch::nn::Module>& module,
                           const NamedLeaves& student_leaves, const NamedLeaves& method_leaves) {
  std::vector<ModuleGroup> groups;
  if (module) groups.push_back({"method", module, 1.0, std::nullopt, {}});
  route_gradients(terms, groups, "main",
                  {{"student", tensors_of(student_leaves)}, {"method", tensors_of(method_leaves)}});
  TensorMap computed;
  for (const auto* leaves : {&student_leaves, &method_leaves}) {
    for (const auto& [name, tensor] : *leaves) computed.emplace("grad." + name, gradient_of(tensor));
  }
  if (module) {
    for (const auto& item : module->named_parameters()) {
      computed.emplace("grad.param." + item.key(), gradient_of(item.value()));
    }
    for (const auto& item : module->named_buffers()) computed.emplace("buffer." + item.key(), item.value().clone());
  }
  return computed;
}

at::Tensor weighted_term(const StepResult& result, const std::string& name) {
  for (const LossTerm& term : result.terms) {
    if (term.name == name) return term.weight * term.value.detach();
  }
  throw Error(ErrorKind::kInternal, {.what = "the method gives no term '" + name + "'"});
}

TensorMap check_pair_loss(const VectorCase& vector_case, const std::shared_ptr<Method>& method,
                          at::Tensor ModelOutput::*feature, const std::string& term) {
  make_double(*method, vector_case.device());
  const at::Tensor student = vector_case.leaf("student");
  MethodInput input = unlabelled_input(student);
  input.student.*feature = student;
  input.teacher.*feature = vector_case.at("teacher");
  const StepResult result = method->loss(input, StepContext{});
  TensorMap computed = routed_gradients(result.terms, nullptr, {{"student", student}});
  computed.emplace("loss", weighted_term(result, term));
  return computed;
}

namespace {

// Names "student.0", "student.1", …, or "student".
std::vector<std::string> listed(const VectorCase& vector_case, const std::string& name) {
  if (vector_case.has(name)) return {name};
  std::vector<std::string> names;
  while (vector_case.has(name + "." + std::to_string(names.size()))) {
    names.push_back(name + "." + std::to_string(names.size()));
  }
  return names;
}

}  // namespace

TensorMap check_stage_loss(const VectorCase& vector_case, const std::shared_ptr<Method>& method,
                           const std::string& term, const StepContext& context) {
  load_case(*method, vector_case);
  NamedLeaves leaves;
  for (const std::string& name : listed(vector_case, "student")) leaves.emplace_back(name, vector_case.leaf(name));
  if (leaves.empty()) throw Error(ErrorKind::kData, {.what = "the case has no student maps"});
  MethodInput input = unlabelled_input(leaves.front().second);
  for (const auto& [name, tensor] : leaves) input.student.stages.push_back(tensor);
  for (const std::string& name : listed(vector_case, "teacher")) {
    input.teacher.stages.push_back(vector_case.at(name));
  }
  const StepResult result = method->loss(input, context);
  const bool own = !unique_parameters(*method).empty();
  TensorMap computed =
      routed_gradients(result.terms, own ? std::shared_ptr<torch::nn::Module>(method) : nullptr, leaves);
  computed.emplace("loss", weighted_term(result, term));
  for (const Diagnostic& diagnostic : result.diagnostics) {
    if (diagnostic.name.starts_with("stage")) computed.emplace("loss." + diagnostic.name.substr(5), diagnostic.value);
  }
  return computed;
}

}  // namespace cmkd
