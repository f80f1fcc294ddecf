// The pieces that losses share. Every function is pure, works in the type of its arguments, and makes no transfer
// between devices unless it says so.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include <cstdint>
#include <string>

#include "cmkd/core/parameters.h"
#include "cmkd/methods/method.h"

namespace cmkd {

// KL(softmax(target / T) ‖ softmax(input / T)), summed over classes, averaged over the batch. Both [B, C].
[[nodiscard]] at::Tensor kl_divergence(const at::Tensor& target_logits, const at::Tensor& input_logits,
                                       double temperature = 1.0);

// T² KL(softmax(target / T) ‖ softmax(input / T)), which keeps the gradient's size as T grows (Hinton et al. 2015,
// arXiv 1503.02531, section 2.1). Both [B, C]; gradients flow to both.
[[nodiscard]] at::Tensor softened_kl(const at::Tensor& target_logits, const at::Tensor& input_logits,
                                     double temperature);

// Cross-entropy of logits [B, C] with labels [B], averaged over the rows where `known` [B] bool; with tags [B, C] of 0
// and 1, the binary cross-entropy, averaged over the classes first. Zero, and still part of the graph, when there is
// none.
[[nodiscard]] at::Tensor classification_term(const at::Tensor& logits, const at::Tensor& labels,
                                             const at::Tensor& known);

// Rows divided by their norm over the last axis. A row of norm below 1e-12 gives zeros and passes no gradient, where
// dividing by a tiny constant would multiply its gradient by as much.
[[nodiscard]] at::Tensor unit_rows(const at::Tensor& rows);
// [B, D], [N, D] -> [B, N]
[[nodiscard]] at::Tensor cosine_matrix(const at::Tensor& a, const at::Tensor& b);
// [B, D], [B, D] -> [B]
[[nodiscard]] at::Tensor cosine_rows(const at::Tensor& a, const at::Tensor& b);

// KL(softmax(target / T) ‖ softmax(input / T)) of each row: [B, C], [B, C] -> [B].
[[nodiscard]] at::Tensor kl_rows(const at::Tensor& target_logits, const at::Tensor& input_logits,
                                 double temperature = 1.0);

// Half precision made float: constants such as 1e-8 and −1e30 do not exist in it. Other types stay as they are.
[[nodiscard]] at::Tensor at_least_float(const at::Tensor& tensor);

// Rows [N, D] minus their mean, and the norm of what is left, [N, 1]. A row whose values are equal up to rounding has
// no direction: it gives zeros of norm 1 and passes no gradient, where its noise would be divided by itself.
struct CentredRows {
  at::Tensor centred;
  at::Tensor norm;
};
[[nodiscard]] CentredRows centred_rows(const at::Tensor& rows);

// Mean of values [B] over the rows where `included` [B] bool. Zero, and still part of the graph, when there is none.
[[nodiscard]] at::Tensor mean_where(const at::Tensor& values, const at::Tensor& included);

// [B, classes] bool: where a column is the row's label. A row without a class (a label below 0) is all false.
[[nodiscard]] at::Tensor label_mask(const at::Tensor& labels, std::int64_t classes);

// Batch normalisation that also takes a batch of one in training: such a batch has no variance, so the running
// statistics stand in and stay as they are.
[[nodiscard]] at::Tensor batch_normalise(torch::nn::BatchNorm1dImpl& layer, const at::Tensor& input);
// The same for maps [B, C, H, W], where one value per channel is what has no variance.
[[nodiscard]] at::Tensor batch_normalise(torch::nn::BatchNorm2dImpl& layer, const at::Tensor& input);

// ---- Clips whose label is hidden, in losses that need one ----------------------------------------------------------

enum class UnlabelledPolicy {
  kPseudo,    // the teacher's argmax stands for the label
  kSkip,      // the clip leaves the term, as anchor and as contrast
  kInstance,  // the clip is a class of its own; it has no class to be classified into
};
[[nodiscard]] UnlabelledPolicy parse_unlabelled_policy(const std::string& text);
// The parameter "unlabelled" that such a method declares.
[[nodiscard]] ParameterSpec unlabelled_parameter();

struct EffectiveLabels {
  at::Tensor labels;           // [B] int64: equal exactly where two clips are of one class
  at::Tensor classified;       // [B] bool: rows whose label is a class (true or pseudo)
  at::Tensor contrasted;       // [B] bool: rows that take part in contrastive terms
  bool all_contrasted = true;  // `contrasted` holds everywhere, known without looking
};
[[nodiscard]] EffectiveLabels effective_labels(const MethodInput& input, UnlabelledPolicy policy);

// The rows of `tensor` that take part in contrastive terms. (With policy skip on an accelerator: one transfer.)
[[nodiscard]] at::Tensor contrasted_rows(const at::Tensor& tensor, const EffectiveLabels& labels);

// [B, B] in `like`'s type: 1 where the labels of two clips are equal (each with itself, too).
[[nodiscard]] at::Tensor same_label(const at::Tensor& labels, const at::Tensor& like);

// A 0-d zero that belongs to the graph of `tensor`.
[[nodiscard]] at::Tensor zero_of(const at::Tensor& tensor);

// ---- Widths --------------------------------------------------------------------------------------------------------

// Maps features [..., from] to [..., to]: a learned linear layer where the widths differ, else nothing at all.
class ProjectionImpl : public torch::nn::Module {
 public:
  ProjectionImpl(std::int64_t from, std::int64_t to);
  at::Tensor forward(const at::Tensor& features);

 private:
  torch::nn::Linear linear_{nullptr};
};
TORCH_MODULE(Projection);

// The teacher's shape; throws Error(kUsage) naming the method when the setup has none.
[[nodiscard]] const ModelShape& required_teacher_shape(const TrainingSetup& setup, const std::string& method);

// The parameters that every method has: `weight` of its own loss and `classification_weight` of the cross-entropy on
// the labelled clips.
[[nodiscard]] ParameterSpec weight_parameter(double default_value);
[[nodiscard]] ParameterSpec classification_weight_parameter(double default_value = 1.0);

// The student's cross-entropy on the labelled clips, as a term that trains the student.
[[nodiscard]] LossTerm student_classification(const MethodInput& input, double weight);

}  // namespace cmkd
