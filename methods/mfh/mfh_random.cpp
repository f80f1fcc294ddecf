// mfh_random — a control of `mfh` (Xue et al. 2023, arXiv 2206.06487): a random share of the dimensions, drawn once a
// training, is replaced instead of those of the lowest salience. Phases, terms and shapes as in mfh.cpp: were `mfh` no
// better than this, it would not be because of what its features share with the student's modality.
//
// Differs: as `mfh` does, whose page says it.
#include "cmkd/methods/mfh.h"

namespace cmkd {
namespace {

MethodInfo describe_mfh_random() {
  MethodInfo info = mfh_method(TaughtShare::kRandom);
  info.id = "mfh_random";
  info.title = "Control of mfh: a random share of the features";
  info.formula = "as mfh, but a random share of the dimensions, drawn once a training, is replaced";
  return info;
}

const MethodRegistration mfh_random_registration{describe_mfh_random()};

}  // namespace
}  // namespace cmkd
