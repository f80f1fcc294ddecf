// mfh_least_general — a control of `mfh` (Xue et al. 2023, arXiv 2206.06487): the dimensions of the highest salience
// are replaced instead of those of the lowest. Phases, terms and shapes as in mfh.cpp: were `mfh` no better than this,
// it would not be because of what its features share with the student's modality.
//
// Differs: as `mfh` does, whose page says it.
#include "cmkd/methods/mfh.h"

namespace cmkd {
namespace {

MethodInfo describe_mfh_least_general() {
  MethodInfo info = mfh_method(TaughtShare::kLeastGeneral);
  info.id = "mfh_least_general";
  info.title = "Control of mfh: the least general features";
  info.formula = "as mfh, but the dimensions of the highest salience are replaced: the least general teach";
  return info;
}

const MethodRegistration mfh_least_general_registration{describe_mfh_least_general()};

}  // namespace
}  // namespace cmkd
