// Where numbers go wrong: no feature may turn a loss or its gradient into anything but finite numbers.
#include "catch.h"
//
#include <functional>

#include "tiny.h"

using namespace cmkd;

namespace {

using Change = std::function<void(test::FreeOutputs&, Batch&)>;

// Every term, and every gradient of every group, in every phase.
void check_finite(const MethodInfo& info, const Change& change, at::ScalarType type = at::kFloat) {
  const auto student = std::make_shared<test::FreeOutputs>();
  const auto training = test::make_tiny(info, student);
  Batch batch = test::tiny_batch(info, 0, test::kBatch);
  {
    const at::NoGradGuard no_grad;
    change(*student, batch);
  }
  for (const ModuleGroup& group : training->groups()) group.module->to(type);
  for (at::Tensor* tensor : {&batch.video, &batch.audio, &batch.teacher.logits, &batch.teacher.embedding}) {
    if (tensor->defined()) *tensor = tensor->to(type);
  }
  for (at::Tensor& stage : batch.teacher.stages) stage = stage.to(type);
  for (const Phase& phase : training->phases()) {
    StepContext context;
    context.phase = phase.name;
    context.epoch = 1000;
    context.epochs = 2000;
    const ScopedSeed seed(5);
    const StepResult result = training->step(context, batch);
    for (const LossTerm& term : result.terms) {
      INFO(info.id << ", phase " << phase.name << ", term " << term.name);
      CHECK(term.value.isfinite().all().item<bool>());
    }
    route_gradients(result.terms, training->groups(), phase.name);
    for (const ModuleGroup& group : training->groups()) {
      for (const auto& item : group.module->named_parameters()) {
        INFO(info.id << ", phase " << phase.name << ", gradient of " << group.name << "." << item.key());
        if (item.value().grad().defined()) CHECK(item.value().grad().isfinite().all().item<bool>());
      }
    }
  }
}

void check_every_method(const Change& change, at::ScalarType type = at::kFloat) {
  for (const std::string& id : method_registry().names()) {
    const MethodInfo& info = method_registry().get(id);
    if (!info.needs.both_inputs) check_finite(info, change, type);  // they look at no model's outputs
  }
}

void set_labels(Batch& batch, const at::Tensor& labels) {
  batch.labels = labels;
  batch.label_known = at::ones_like(labels, at::kBool);
  if (batch.pseudo_labels.defined()) batch.pseudo_labels = labels;
}

}  // namespace

TEST_CASE("Features of length zero, on either side or both") {
  for (const bool student : {true, false}) {
    for (const bool teacher : {true, false}) {
      check_every_method([&](test::FreeOutputs& outputs, Batch& batch) {
        if (student) {
          for (at::Tensor& parameter : outputs.parameters()) parameter.zero_();
        }
        if (!teacher || !batch.teacher.logits.defined()) return;
        batch.teacher.logits.zero_();
        batch.teacher.embedding.zero_();
        for (at::Tensor& stage : batch.teacher.stages) stage.zero_();
      });
    }
  }
}

TEST_CASE("Clips whose features coincide") {
  check_every_method([](test::FreeOutputs& outputs, Batch& batch) {
    const auto repeat = [](const at::Tensor& tensor) {
      tensor.copy_(tensor.select(0, 0).unsqueeze(0).expand_as(tensor).clone());
    };
    for (const at::Tensor& parameter : outputs.parameters()) repeat(parameter);
    if (!batch.teacher.logits.defined()) return;
    repeat(batch.teacher.logits);
    repeat(batch.teacher.embedding);
    for (const at::Tensor& stage : batch.teacher.stages) repeat(stage);
  });
}

TEST_CASE("Probabilities that round to zero and one, right and wrong") {
  for (const double sign : {1.0, -1.0}) {
    check_every_method([&](test::FreeOutputs& outputs, Batch& batch) {
      outputs.logits().mul_(300 * sign);
      if (batch.teacher.logits.defined()) batch.teacher.logits.mul_(300);
    });
  }
}

TEST_CASE("All clips of one class, and each clip the only one of its class") {
  check_every_method(
      [](test::FreeOutputs& /*outputs*/, Batch& batch) { set_labels(batch, at::zeros({test::kBatch}, at::kLong)); });
  check_every_method([](test::FreeOutputs& /*outputs*/, Batch& batch) {
    set_labels(batch, at::arange(test::kBatch, at::kLong).remainder(test::kClasses));
    batch.label_known = at::arange(test::kBatch, at::kLong).lt(test::kClasses);
    batch.labels = batch.labels.masked_fill(batch.label_known.logical_not(), -1);
  });
}

TEST_CASE("Half precision: bfloat16 features of ordinary size") {
  check_every_method([](test::FreeOutputs& /*outputs*/, Batch& /*batch*/) {}, at::kBFloat16);
}
