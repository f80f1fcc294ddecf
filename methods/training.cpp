#include "cmkd/methods/training.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <set>
#include <unordered_set>

#include "cmkd/core/error.h"

namespace cmkd {

at::Tensor joined_features(const std::vector<at::Tensor>& features) {
  if (features.size() == 1) return features.front();
  std::vector<at::Tensor> scaled;
  for (const at::Tensor& one : features) {
    scaled.push_back(one / one.square().sum(1, /*keepdim=*/true).sqrt().clamp_min(1e-12));
  }
  return at::cat(scaled, 1);
}

Predictor Training::encoders(const std::vector<Modality>& modalities) {
  Predictor own = predictor();
  if (own.modalities == modalities) return own;
  std::vector<std::string> wanted;
  for (const Modality modality : modalities) wanted.emplace_back(to_string(modality));
  throw Error(ErrorKind::kUsage,
              {.what = "the method has no features of " + join(wanted),
               .allowed = std::string("of ") + (own.modalities.size() == 1 ? to_string(own.modalities[0]) : "both"),
               .fix = "set evaluation.features"});
}

bool trained_in(const ModuleGroup& group, const std::string& phase) {
  return group.phases.empty() || std::find(group.phases.begin(), group.phases.end(), phase) != group.phases.end();
}

namespace {

// What receives gradients, by the name of the group: parameters of the module, and extra inputs.
struct Receivers {
  std::map<std::string, std::vector<at::Tensor>> by_group;  // only groups that are trained in the phase
  std::set<std::string> known;                              // all groups
};

Receivers find_receivers(const std::vector<ModuleGroup>& groups, const std::string& phase,
                         const std::vector<RoutedInputs>& extra_inputs) {
  Receivers receivers;
  std::set<std::string> resting;
  for (const ModuleGroup& group : groups) {
    receivers.known.insert(group.name);
    if (!trained_in(group, phase)) {
      resting.insert(group.name);
      continue;
    }
    auto& tensors = receivers.by_group[group.name];
    for (const at::Tensor& parameter : unique_parameters(*group.module)) tensors.push_back(parameter);
  }
  for (const RoutedInputs& inputs : extra_inputs) {
    receivers.known.insert(inputs.group);
    if (resting.contains(inputs.group)) continue;
    auto& tensors = receivers.by_group[inputs.group];
    tensors.insert(tensors.end(), inputs.tensors.begin(), inputs.tensors.end());
  }
  return receivers;
}

void require_known(const LossTerm& term, const std::set<std::string>& known) {
  for (const std::string& name : term.trains) {
    if (!known.contains(name)) {
      throw Error(ErrorKind::kInternal,
                  {.what = "loss term '" + term.name + "' trains the group '" + name + "', which does not exist",
                   .allowed = join({known.begin(), known.end()})});
    }
  }
}

// Terms that train the same groups share one backward pass.
struct Pass {
  std::set<std::string> groups;
  std::vector<at::Tensor> values;
  std::vector<at::Tensor> weights;
};

std::vector<Pass> make_passes(const std::vector<LossTerm>& terms, const Receivers& receivers) {
  std::vector<Pass> passes;
  for (const LossTerm& term : terms) {
    require_known(term, receivers.known);
    if (term.weight == 0.0 || !term.value.requires_grad()) continue;
    std::set<std::string> names;
    for (const std::string& name : term.trains) {
      if (receivers.by_group.contains(name)) names.insert(name);
    }
    if (names.empty()) continue;
    auto pass = std::find_if(passes.begin(), passes.end(), [&](const Pass& other) { return other.groups == names; });
    if (pass == passes.end()) pass = passes.insert(pass, Pass{names, {}, {}});
    pass->values.push_back(term.value);
    pass->weights.push_back(at::full_like(term.value, term.weight));
  }
  return passes;
}

std::vector<at::Tensor> inputs_of(const Pass& pass, const Receivers& receivers) {
  std::vector<at::Tensor> inputs;
  std::unordered_set<const void*> seen;
  for (const std::string& name : pass.groups) {
    for (const at::Tensor& tensor : receivers.by_group.at(name)) {
      if (seen.insert(tensor.unsafeGetTensorImpl()).second) inputs.push_back(tensor);
    }
  }
  return inputs;
}

}  // namespace

void route_gradients(const std::vector<LossTerm>& terms, const std::vector<ModuleGroup>& groups,
                     const std::string& phase, const std::vector<RoutedInputs>& extra_inputs) {
  const Receivers receivers = find_receivers(groups, phase, extra_inputs);
  const std::vector<Pass> passes = make_passes(terms, receivers);
  for (const auto& [name, tensors] : receivers.by_group) {
    for (const at::Tensor& tensor : tensors) tensor.mutable_grad() = at::Tensor();
  }
  for (std::size_t index = 0; index < passes.size(); ++index) {
    const std::vector<at::Tensor> inputs = inputs_of(passes[index], receivers);
    if (inputs.empty()) continue;
    const bool last = index + 1 == passes.size();
    torch::autograd::backward(passes[index].values, passes[index].weights, /*retain_graph=*/!last,
                              /*create_graph=*/false, inputs);
  }
}

}  // namespace cmkd
