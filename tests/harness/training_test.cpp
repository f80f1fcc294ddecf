// Trainings of the embedded set, one after the other in this process: what they share, and the teacher's maps.
#include "catch.h"
//
#include <ATen/Functions.h>

#include <map>

#include "cmkd/harness/teacher_maps.h"
#include "trained.h"

using namespace cmkd;
using cmkd::test::Trained;

namespace {

double last_term(const results::TrainingRecord& record, const std::string& name) {
  double value = 0;
  bool found = false;
  for (const results::EpochValue& one : record.epochs) {
    if (one.kind != "term" || one.name != name) continue;
    value = one.value;
    found = true;
  }
  INFO(record.label << " " << name);
  REQUIRE(found);
  return value;
}

}  // namespace

TEST_CASE("methods of several phases see in their last phase what the others see") {
  const Trained trained({"student", "ab", "ft", "kd"});
  const results::TrainingRecord& student = trained.records.at("student");
  for (const std::string method : {"ab", "ft", "kd"}) {
    const results::TrainingRecord& record = trained.records.at(method);
    INFO(method << " " << record.reason);
    REQUIRE(record.status == results::RunStatus::kDone);
    CHECK(record.initial_weights_fingerprint == student.initial_weights_fingerprint);
    CHECK(record.batch_order_fingerprint == student.batch_order_fingerprint);
    CHECK(record.augmentation_fingerprint == student.augmentation_fingerprint);
  }
}

TEST_CASE("the teacher's maps are the same whether they are kept or computed at each step") {
  const std::vector<std::string> methods{"at", "sp", "nst", "vid", "ab", "ft", "reviewkd"};
  const Trained kept(methods);
  const Trained anew(methods, {"training.teacher_maps_mib=0"});
  const std::map<std::string, std::string> terms{{"at", "attention"}, {"sp", "similarity"}};
  for (const std::string& method : methods) {
    INFO(method << " " << kept.records.at(method).reason);
    REQUIRE(kept.records.at(method).status == results::RunStatus::kDone);
    REQUIRE(anew.records.at(method).status == results::RunStatus::kDone);
    CHECK(kept.keys.at(method) != anew.keys.at(method));  // the last bits may differ
    if (!terms.contains(method)) continue;
    CHECK(last_term(kept.records.at(method), terms.at(method)) ==
          Approx(last_term(anew.records.at(method), terms.at(method))).epsilon(1e-3));
  }
}

TEST_CASE("kept maps are those of the clip and window that are asked for, under a control too") {
  const Trained trained({"at"});
  const std::string teacher_key = trained.keys.at("teacher");
  const TeacherOutputs outputs = load_teacher_outputs(trained.runs.teacher(teacher_key), teacher_key, c10::kCPU);
  REQUIRE(outputs.clips.size() > 8);
  const WindowReader reader(trained.data->cache, trained.suite.clip.values);
  ModelConfig config;
  config.classes = outputs.shape.classes;
  config.sample_rate = trained.data->listed.settings.sample_rate;
  config.samples = reader.samples_per_window();
  config.parameters = trained.suite.teacher.section.values;
  const auto make_teacher = [&] {
    auto model = model_registry().get(trained.suite.teacher.id).make(config);
    load_state(*model, outputs.weights, "test");
    model->eval();
    return model;
  };
  const auto everything = [](std::vector<at::Tensor> stages) { return stages; };
  const OutputRequest request{true, true};
  TeacherMaps kept(make_teacher(), request, everything, outputs, reader, c10::kCPU);
  kept.keep(7, std::int64_t{1} << 30);
  TeacherMaps anew(make_teacher(), request, everything, outputs, reader, c10::kCPU);
  anew.keep(7, 1000);  // does not fit
  const std::vector<ClipDraw> windows{reader.draw_window(outputs.clips[8], 0), reader.draw_window(outputs.clips[0], 0),
                                      reader.draw_window(outputs.clips[8], 0)};
  const ModelOutput from_kept = kept.of(windows);
  const ModelOutput from_anew = anew.of(windows);
  REQUIRE(from_kept.stages.size() == outputs.shape.stage_channels.size());
  REQUIRE(from_anew.stages.size() == from_kept.stages.size());
  CHECK(at::allclose(from_kept.tokens, from_anew.tokens, 1e-4, 1e-5));
  for (std::size_t i = 0; i < from_kept.stages.size(); ++i) {
    CHECK(at::allclose(from_kept.stages[i], from_anew.stages[i], 1e-4, 1e-5));
    CHECK(from_kept.stages[i][0].equal(from_kept.stages[i][2]));
    CHECK_FALSE(from_kept.stages[i][0].equal(from_kept.stages[i][1]));
  }
}

TEST_CASE("damage of the teacher's side reaches its maps as well as its logits") {
  const Trained clean({"student", "at", "kd"});
  const Trained damaged({"student", "at", "kd"}, {"corruption.kind=swap"});
  CHECK(clean.keys.at("student") == damaged.keys.at("student"));
  CHECK(clean.keys.at("teacher") == damaged.keys.at("teacher"));
  CHECK(last_term(clean.records.at("at"), "attention") != last_term(damaged.records.at("at"), "attention"));
  CHECK(clean.records.at("kd").final_weights_fingerprint != damaged.records.at("kd").final_weights_fingerprint);
  const Trained untouched({"at"}, {"corruption.kind=swap", "corruption.share=0"});
  CHECK(untouched.records.at("at").final_weights_fingerprint == clean.records.at("at").final_weights_fingerprint);
}

TEST_CASE("a checkpoint is taken up by the code that wrote it, and by no other") {
  const Trained trained({"student"});
  const Plan plan = make_plan(trained.suite, trained.data->listed.source_fingerprint);
  const PlannedTraining& planned = *plan.find(trained.keys.at("student"));
  const std::filesystem::path file = trained.folder / "checkpoint";
  const auto first_step = [&] {
    std::optional<TrainerProgress> first;
    TrainerOptions options{c10::kCPU, file, 0, [&](const TrainerProgress& progress) {
                             if (!first) first = progress;
                           }};
    Trainer trainer(trained.suite, planned, *trained.data, nullptr, options);
    trainer.run();
    REQUIRE(first);
    return first->step;
  };
  CHECK(first_step() == 1);
  // The file that is left was written after the last step but one or later.
  Checkpoint written = *load_checkpoint(file, planned.key);
  written.step = 1;
  save_checkpoint(file, written);
  CHECK(first_step() == 2);
  written.shared_code = "another";
  save_checkpoint(file, written);
  CHECK(first_step() == 1);
}
