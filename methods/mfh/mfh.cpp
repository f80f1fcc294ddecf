// mfh — distillation of the most modality-general features, after Xue et al. 2023, "The Modality Focusing Hypothesis:
// Towards Understanding Crossmodal Knowledge Distillation", ICLR 2023, arXiv 2206.06487.
//
//   phase "joint"      CE(t, y) + CE(s, y) + mean (t − s)², gradients to both: a copy of the cell's teacher and a
//                      network like the student's, with the same first weights, learn to agree
//   phase "salience"   both in eval mode, nothing is trained: of each dimension d of the teacher's embedding the
//                      mean over clips and `repeats` permutations of mean_c (t_c(x with d permuted) − s_c)²
//   phase "main"       the teacher is frozen, the student begins from the cell's first weights; the ⌊ratio · D⌋
//                      least salient dimensions are at their batch mean, the classifier goes on to t':
//                      classification_weight · CE(z, y) + weight · T² KL(softmax(t' / T) ‖ softmax(z / T))
//
// x [B, D] teacher embedding, t, s, z [B, C] logits of teacher, joint student and student. A dimension whose
// permutation parts teacher and student carries what they agree on: it is general. The two controls are
// `mfh_least_general` and `mfh_random`, the same but for the dimensions that are replaced.
//
// Differs: the teacher begins as a copy of the cell's trained one, where the public implementation (MGDFR, in
// github.com/Gray-OREO/MST-Distill, main-MGDFR.py, commit 087db1cb) begins with random weights and has every label.
// Salience is measured on the training's own batches, one epoch of them, there on batches six times as large; one
// permutation serves all dimensions of a batch, there each has its own: the same in expectation. Optimiser and
// schedule are the suite's in every phase (there SGD 0.001 with momentum, then Adam 1e-4). In that revision the hook
// that should replace dimensions hands the feature on as it is, so that all shares teach alike; here they are
// replaced, as its names and the paper say. Verified by cases derived by hand alone; the paper itself could not be
// read from here.
#include "cmkd/methods/mfh.h"

namespace cmkd {
namespace {

MethodInfo describe_mfh() {
  MethodInfo info = mfh_method(TaughtShare::kGeneral);
  info.id = "mfh";
  info.title = "Modality-general features (modality focusing)";
  info.formula =
      "joint_epochs of CE(t, y) + CE(s, y) + MSE(t, s); salience of the teacher's dimensions by permutation; then "
      "classification_weight CE(z, y) + weight T^2 KL(softmax(t' / T) || softmax(z / T)), t' of the teacher with the "
      "share "
      "ratio of the least general dimensions at their batch mean";
  return info;
}

const MethodRegistration mfh_registration{describe_mfh()};

}  // namespace
}  // namespace cmkd
