#include "cmkd/harness/check_suite.h"
#include <ATen/Functions.h>
#include <fmt/format.h>

#include "cmkd/core/error.h"
#include "cmkd/harness/pretrained.h"
#include "cmkd/harness/step_guard.h"
#include "cmkd/harness/suite_models.h"
#include "cmkd/methods/method.h"
#include "cmkd/runtime/determinism.h"
#include "cmkd/runtime/errors.h"

namespace cmkd {

namespace {

ErrorParts unbuildable(const MethodEntry& entry, const std::exception& error) {
  return {fmt::format("method '{}' cannot be built for these models: {}", entry.id, reason_of(error)), entry.origin, "",
          "take other models, or leave the method out"};
}

// What no method can mend: the task, the data and the two networks do not go together.
void check_method(const Suite& suite, const ClipList& list, const MethodEntry& entry, const MethodInfo& info) {
  const auto refuse = [&](const std::string& why, const std::string& fix) {
    throw Error(ErrorKind::kUsage,
                {.what = fmt::format("method '{}' {}", entry.id, why), .where = entry.origin, .fix = fix});
  };
  const bool needs_classifier =
      suite.general.values.task != Task::kRetrieval && suite.evaluation.values.classifier == Classifier::kNetwork;
  if (!info.classifies && needs_classifier) {
    std::vector<std::string> probes = names_of<Classifier>();
    std::erase(probes, to_string(Classifier::kNetwork));
    refuse("trains no classifier",
           fmt::format("set evaluation.classifier to one of {}, or take the task retrieval", join(probes)));
  }
  if (!info.needs.both_inputs && suite.evaluation.values.features != FeatureSource::kOwn) {
    refuse("has features of the student's modality alone", "set evaluation.features to own, or leave the method out");
  }
  if (list.multi_label && !info.multi_label) {
    refuse(fmt::format("is defined for one label a clip, and clips of '{}' have tags", suite.dataset),
           "leave the method out, or take a dataset of one label a clip");
  }
  if ((info.needs.teacher_network || info.needs.both_inputs) && suite.teacher.modality == suite.student.modality) {
    refuse("works on two modalities, and teacher and student have the same one",
           "leave the method out, or give the teacher another modality");
  }
}

// Where two encoders' embeddings search one another.
void require_one_space(const Suite& suite, const ModelShape& student, const ModelShape& teacher) {
  const bool compared =
      suite.general.values.task == Task::kRetrieval && suite.evaluation.values.features == FeatureSource::kBoth;
  if (!compared || student.embedding_width == teacher.embedding_width) return;
  throw Error(ErrorKind::kUsage,
              {.what = fmt::format("retrieval with the features of both networks compares one's with the other's, and "
                                   "they are {} and {} wide",
                                   student.embedding_width, teacher.embedding_width),
               .where = suite.evaluation.origin("features"),
               .fix = "choose models of the same width, or set evaluation.features to own or other"});
}

void check_methods(const Suite& suite, const SuiteData& data, const Roles& roles) {
  const WindowReader reader = data.reader(suite.clip.values);
  const ScopedSeed guard(0);
  const auto make_model = [&](const ModelEntry& entry) {
    auto model = model_registry().get(entry.id).make(model_config(suite, entry, data, reader));
    (void)load_pretrained(*model, entry);
    return model;
  };
  const auto student = make_model(suite.student);
  const auto teacher = make_model(suite.teacher);
  require_one_space(suite, student->shape(), teacher->shape());
  for (const MethodEntry& entry : suite.methods) {
    const MethodInfo& info = method_registry().get(entry.id, entry.origin);
    check_method(suite, data.listed.list, entry, info);
    const bool is_teacher = info.role == MethodRole::kTeacher;
    TrainingSetup setup;
    setup.student = is_teacher ? teacher : student;
    setup.student_shape = setup.student->shape();
    if (info.needs.teacher) setup.teacher_shape = teacher->shape();
    if (info.needs.teacher_network) setup.teacher = teacher;
    if (info.needs.both_inputs) setup.other = teacher;
    if (info.needs.second_student) setup.second_student = setup.student;
    setup.classes = setup.student_shape.classes;
    setup.multi_label = data.listed.list.multi_label;
    setup.transfer_clips = static_cast<std::int64_t>((is_teacher ? roles.teacher : roles.transfer).size());
    setup.transfer_labels = at::full({setup.transfer_clips}, -1, at::kLong);
    setup.transfer_pseudo_labels = at::zeros({setup.transfer_clips}, at::kLong);
    setup.parameters = entry.section.values;
    try {
      (void)info.make(setup);
    } catch (const Error& error) {
      // A method's own refusal is written for the reader; anything else it throws is not.
      if (error.kind() != ErrorKind::kInternal) throw;
      throw Error(ErrorKind::kUsage, unbuildable(entry, error));
    } catch (const std::exception& error) {
      throw Error(ErrorKind::kUsage, unbuildable(entry, error));
    }
  }
}

void check_task(const Suite& suite, const ClipList& list) {
  if (suite.general.values.task != Task::kActionRecognition || !list.multi_label) return;
  throw Error(
      ErrorKind::kUsage,
      {fmt::format("the task 'action_recognition' wants one label a clip, and clips of '{}' have tags", suite.dataset),
       suite.general.origin("task"), "audio_tagging, retrieval", "set suite.task"});
}

}  // namespace

void check_suite(const Suite& suite, const SuiteData& data) {
  check_task(suite, data.listed.list);
  for (const Suite* one : suite.cases()) {
    Roles roles;
    for (const std::string& fold : data.folds(*one)) {
      for (const std::int64_t seed : one->seeds()) roles = data.roles(*one, seed, fold);
    }
    check_methods(*one, data, roles);
  }
}

}  // namespace cmkd
