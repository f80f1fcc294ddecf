// student — the lower bound: what the labelled clips alone teach.
//
//   L = classification_weight · CE(z, y), averaged over the labelled clips of the batch
//
// z [B, C] student logits, y [B] labels. No teacher.
#include "cmkd/methods/supervised.h"

namespace cmkd {
namespace {

MethodInfo describe_student() {
  MethodInfo info = supervised_method();
  info.id = "student";
  info.title = "Student alone";
  info.formula = "L = CE(z, y)";
  info.role = MethodRole::kLowerBound;
  info.repeatable_step = true;
  info.unlabelled = "not in the loss";
  return info;
}

const MethodRegistration student_registration{describe_student()};

}  // namespace
}  // namespace cmkd
