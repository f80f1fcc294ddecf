// teacher — the teacher itself, on its own modality: plain supervised training of its network, and its accuracy as a
// row.
//
//   L = classification_weight · CE(t, y), averaged over the labelled clips of the batch
//
// t [B, C] logits. The setup's `student` is the teacher's network here; the harness chooses modality and clips.
#include "cmkd/methods/supervised.h"

namespace cmkd {
namespace {

MethodInfo describe_teacher() {
  MethodInfo info = supervised_method();
  info.id = "teacher";
  info.title = "Teacher on its own modality";
  info.formula = "L = CE(t, y)";
  info.role = MethodRole::kTeacher;
  info.repeatable_step = true;
  info.unlabelled = "not in the loss; its own training clips are labelled";
  return info;
}

const MethodRegistration teacher_registration{describe_teacher()};

}  // namespace
}  // namespace cmkd
