#include "cmkd/harness/step_graphs.h"

#include <ATen/Functions.h>

#include <exception>
#include <stdexcept>
#include <utility>
#include <vector>

#include "cmkd/harness/step_guard.h"

namespace cmkd {

namespace {

// Libraries choose their kernels and take their memory in the first steps: no part of what is repeated.
constexpr std::int64_t kStepsBefore = 3;

std::vector<at::Tensor> tensors_of(const Batch& batch) {
  std::vector<at::Tensor> tensors;
  for_each_tensor(batch, [&](const char*, const at::Tensor& tensor) { tensors.push_back(tensor); });
  return tensors;
}

bool lie_alike(const std::vector<at::Tensor>& one, const std::vector<at::Tensor>& other) {
  if (one.size() != other.size()) return false;
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (one[i].sizes() != other[i].sizes() || one[i].scalar_type() != other[i].scalar_type()) return false;
  }
  return true;
}

// Of the values: what computed them is not needed any more.
StepResult detached(StepResult result) {
  for (LossTerm& term : result.terms) term.value = term.value.detach();
  for (Diagnostic& diagnostic : result.diagnostics) diagnostic.value = diagnostic.value.detach();
  return result;
}

}  // namespace

StepGraphs::StepGraphs(Training& training, GroupOptimizers& optimizers, c10::Device device, MakeDeviceGraph make)
    : StepTaker(training, optimizers), device_(device), make_(std::move(make)) {
  optimizers.keep_rates_on_device();
}

StepGraphs::~StepGraphs() = default;

void StepGraphs::begin_phase(const std::string& phase) {
  phase_ = phase;
  graph_.reset();
  result_ = {};
  computed_ = 0;
  reads_epoch_ = reads_step_ = false;
}

const Batch& StepGraphs::place(const StepContext& context, const Batch& batch) {
  if (context.phase != phase_) begin_phase(context.phase);
  const std::vector<at::Tensor> given = tensors_of(batch);
  std::vector<at::Tensor> own = tensors_of(held_);
  if (lie_alike(given, own)) {
    for (std::size_t i = 0; i < given.size(); ++i) own[i].copy_(given[i]);
    return held_;
  }
  begin_phase(phase_);  // what was recorded reads other memory
  held_ = batch;
  for_each_tensor(held_, [](const char*, at::Tensor& tensor) { tensor = tensor.clone(); });
  return held_;
}

StepResult StepGraphs::computed(const StepContext& context, const Batch& placed, const StepRules& rules) {
  StepContext watched = context;
  watched.epoch.note_reads(&reads_epoch_);
  watched.step.note_reads(&reads_step_);
  if (computed_ < kStepsBefore || reads_step_) {
    ++computed_;
    return detached(compute(watched, placed, rules));
  }
  const std::int64_t epoch = context.epoch;
  if (graph_ && reads_epoch_ && recorded_epoch_ != epoch) graph_.reset();
  if (!graph_) {
    recorded_epoch_ = epoch;
    std::unique_ptr<DeviceGraph> graph = make_(device_);
    try {
      graph->record([&] { result_ = detached(compute(watched, placed, rules)); });
    } catch (const std::exception& error) {
      if (!blames_method(error)) throw;
      throw std::runtime_error("while its step was recorded as a graph (training.graphs): " + reason_of(error));
    }
    graph_ = std::move(graph);
  }
  graph_->replay();
  ++repeated_;
  return result_;
}

}  // namespace cmkd
