// Demands on every registered method: a new file is held to them with no edit here.
#include "catch.h"
//
#include <cmath>

#include "cmkd/core/error.h"
#include "tiny.h"

using namespace cmkd;
using test::make_tiny;
using test::tiny_batch;

namespace {

std::vector<const MethodInfo*> methods() {
  std::vector<const MethodInfo*> all;
  for (const std::string& id : method_registry().names()) all.push_back(method_registry().find(id));
  return all;
}

}  // namespace

TEST_CASE("Six steps straight, and three, saved, loaded into a new training, and three more, end with equal bytes") {
  for (const MethodInfo* info : methods()) {
    INFO(info->id);
    const auto straight = make_tiny(*info);
    for (std::int64_t step = 0; step < 6; ++step) test::train_step(*straight, *info, step);

    const auto first = make_tiny(*info);
    for (std::int64_t step = 0; step < 3; ++step) test::train_step(*first, *info, step);
    const TensorMap saved = test::checkpoint_of(*first);
    const auto second = make_tiny(*info);
    // The steps did move something, unless there is nothing that moves.
    const bool moves = info->role != MethodRole::kUntrained;
    CHECK((fingerprint(test::checkpoint_of(*second)) != fingerprint(saved)) == moves);
    test::restore(*second, saved);
    for (std::int64_t step = 3; step < 6; ++step) test::train_step(*second, *info, step);
    CHECK(fingerprint(test::checkpoint_of(*second)) == fingerprint(test::checkpoint_of(*straight)));
  }
}

TEST_CASE("A step changes neither the batch nor the teacher's outputs") {
  for (const MethodInfo* info : methods()) {
    INFO(info->id);
    const auto training = make_tiny(*info);
    const Batch batch = tiny_batch(*info, 0);
    const std::string before = fingerprint(test::tensors_of(batch));
    const StepResult result = training->step(StepContext{}, batch);
    route_gradients(result.terms, training->groups(), "main");
    CHECK(fingerprint(test::tensors_of(batch)) == before);
  }
}

TEST_CASE("A teacher output that carries a gradient is refused") {
  for (const MethodInfo* info : methods()) {
    if (!info->needs.teacher) continue;
    INFO(info->id);
    const auto training = make_tiny(*info);
    Batch batch = tiny_batch(*info, 0);
    batch.teacher.embedding = batch.teacher.embedding.clone().requires_grad_(true);
    CHECK_THROWS_AS(training->step(StepContext{}, batch), Error);
  }
}

TEST_CASE("Terms are finite and train, for a batch of one and for a batch without any label") {
  for (const MethodInfo* info : methods()) {
    for (const std::int64_t size : {1, 6}) {
      for (const bool labels : {true, false}) {
        INFO(info->id << ", " << size << " clips, labels " << labels);
        const auto training = make_tiny(*info);
        Batch batch = tiny_batch(*info, 0, size);
        if (!labels) {
          batch.labels = at::full_like(batch.labels, -1);
          batch.label_known = at::zeros_like(batch.label_known);
        }
        const StepResult result = training->step(StepContext{}, batch);
        CHECK(result.terms.empty() == (info->role == MethodRole::kUntrained));
        for (const LossTerm& term : result.terms) {
          INFO(term.name);
          CHECK(term.value.dim() == 0);
          CHECK(term.value.isfinite().item<bool>());
        }
        for (const Diagnostic& diagnostic : result.diagnostics) {
          INFO(diagnostic.name);
          CHECK(diagnostic.value.dim() == 0);
          CHECK_FALSE(diagnostic.value.requires_grad());
          CHECK(diagnostic.value.isfinite().item<bool>());
        }
        const auto groups = training->groups();
        route_gradients(result.terms, groups, "main");
        for (const ModuleGroup& group : groups) {
          for (const at::Tensor& parameter : unique_parameters(*group.module)) {
            if (parameter.grad().defined()) CHECK(parameter.grad().isfinite().all().item<bool>());
          }
        }
      }
    }
  }
}

TEST_CASE("Hidden labels do not reach a method: permuting what stands behind them changes nothing") {
  // The batch holds −1 there; a method that reads labels of unlabelled rows would index with −1 and differ or throw.
  for (const MethodInfo* info : methods()) {
    if (info->needs.all_labels) continue;
    INFO(info->id);
    const auto terms_of = [&](std::int64_t hidden) {
      const auto training = make_tiny(*info);
      Batch batch = tiny_batch(*info, 0);
      batch.labels = batch.labels.masked_fill(batch.label_known.logical_not(), hidden);
      TensorMap values;
      const ScopedSeed seed(17);  // negatives and strong views are drawn
      for (const LossTerm& term : training->step(StepContext{}, batch).terms) values.emplace(term.name, term.value);
      return fingerprint(values);
    };
    CHECK(terms_of(-1) == terms_of(1));
  }
}

TEST_CASE("Where the widths agree, a method without a projection to learn still trains") {
  for (const MethodInfo* info : methods()) {
    if (!info->needs.teacher) continue;
    INFO(info->id);
    TrainingSetup setup = test::tiny_setup(*info);
    const auto teacher = std::make_shared<test::TinyTeacher>(test::kStudentWidth);
    setup.teacher_shape->embedding_width = test::kStudentWidth;
    if (info->needs.teacher_network) {
      setup.teacher = teacher;
      setup.teacher_shape = teacher->shape();
    }
    const auto training = info->make(setup);
    Batch batch = tiny_batch(*info, 0);
    batch.teacher.embedding = test::noise({6, test::kStudentWidth}, 9).to(at::kFloat);
    CHECK_NOTHROW(route_gradients(training->step(StepContext{}, batch).terms, training->groups(), "main"));
    if (info->id == "fitnet") CHECK(training->groups().size() == 1);
  }
}

TEST_CASE(
    "The predictor is the student on its own modality, or an upper bound on both, and gives logits, if it has a "
    "classifier, and embedding") {
  for (const MethodInfo* info : methods()) {
    INFO(info->id);
    const auto training = make_tiny(*info);
    const Predictor predictor = training->predictor();
    REQUIRE_FALSE(predictor.modalities.empty());
    CHECK((predictor.modalities.front() == Modality::kVideo));
    if (info->role != MethodRole::kUpperBound) {
      CHECK(predictor.modalities.size() == 1);
      CHECK(predictor.modules.size() == 1);
    }
    const ModelOutput output = predictor.predict(tiny_batch(*info, 0));
    CHECK(output.logits.defined() == info->classifies);
    if (info->classifies) CHECK(output.logits.size(1) == test::kClasses);
    CHECK(output.embedding.defined());
  }
}

TEST_CASE("Features of both modalities stand side by side at length one each; those of one as they are") {
  for (const MethodInfo* info : methods()) {
    if (!info->needs.both_inputs) continue;
    INFO(info->id);
    const auto training = make_tiny(*info);
    const Batch batch = tiny_batch(*info, 0);
    const auto features = [&](const std::vector<Modality>& modalities) {
      const Predictor predictor = training->encoders(modalities);
      CHECK((predictor.modalities == modalities));
      return predictor.predict(batch).embedding;
    };
    const at::Tensor seen = features({Modality::kVideo});
    const at::Tensor both = features({Modality::kVideo, Modality::kAudio});
    REQUIRE(both.size(1) == 2 * seen.size(1));
    CHECK(at::allclose(both.narrow(1, 0, seen.size(1)), seen / seen.norm(2, 1, true), 0, 1e-6));
    CHECK(at::allclose(both.square().sum(1), at::full({both.size(0)}, 2.0), 0, 1e-5));
  }
  const auto training = make_tiny(method_registry().get("student"));
  CHECK_THROWS_WITH(training->encoders({Modality::kAudio}), message_contains("evaluation.features"));
}

TEST_CASE("A missing teacher is an error that says so") {
  for (const MethodInfo* info : methods()) {
    if (!info->needs.teacher) continue;
    INFO(info->id);
    const auto training = make_tiny(*info);
    Batch batch = tiny_batch(*info, 0);
    batch.teacher = {};
    CHECK_THROWS_AS(training->step(StepContext{}, batch), Error);
  }
}
