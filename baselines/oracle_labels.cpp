// oracle_labels — the ceiling of what labels alone can give: the student trained on the true labels of all clips, those
// that are hidden from every other method included. A method above it has moved more than labels.
//
//   L = classification_weight · CE(z, y), averaged over all clips of the batch
//
// z [B, C] student logits, y [B] labels, all known. No teacher.
#include "cmkd/methods/supervised.h"

namespace cmkd {
namespace {

MethodInfo describe_oracle_labels() {
  MethodInfo info = supervised_method();
  info.id = "oracle_labels";
  info.title = "All true labels";
  info.formula = "L = CE(z, y) on all clips, with the labels that are hidden from others";
  info.role = MethodRole::kCeiling;
  info.repeatable_step = true;
  info.needs.all_labels = true;
  info.unlabelled = "sees its true label: a ceiling, not a competitor";
  return info;
}

const MethodRegistration oracle_labels_registration{describe_oracle_labels()};

}  // namespace
}  // namespace cmkd
