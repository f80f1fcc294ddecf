#include <ATen/ATen.h>
#include <torch/nn.h>

#include <cmath>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/methods/mnf_csc.h"

namespace cmkd {

namespace nn = torch::nn;

namespace {

// A linear layer or batch norm of a Sequential, by its place. (`Sequential::at` does not compile for batch norms.)
template <typename Layer>
Layer& layer_at(const nn::SequentialImpl& layers, std::size_t index) {
  return *layers.ptr(index)->as<Layer>();
}

constexpr std::int64_t kHeads = 2;

struct Attended {
  at::Tensor value;    // [B, D]
  at::Tensor weights;  // [B, 1, K], mean over heads
};

// softmax(q kᵀ / √d) v for one query a clip, with the layer's own projections. (Its `forward` compares query, key and
// value by content first, which stalls an accelerator.)
Attended attend(const nn::MultiheadAttentionImpl& layer, const at::Tensor& query, const at::Tensor& tokens) {
  const std::int64_t width = query.size(1);
  const std::int64_t head = width / kHeads;
  const std::vector<at::Tensor> weights = layer.in_proj_weight.chunk(3);
  const std::vector<at::Tensor> biases = layer.in_proj_bias.chunk(3);
  const auto heads = [&](const at::Tensor& input, std::size_t part) {  // [B, n, D] -> [B, heads, n, D / heads]
    return at::linear(input, weights[part], biases[part]).unflatten(2, {kHeads, head}).transpose(1, 2);
  };
  const at::Tensor scaled = heads(query.unsqueeze(1), 0) / std::sqrt(static_cast<double>(head));
  const at::Tensor probability = at::softmax(at::matmul(scaled, heads(tokens, 1).transpose(2, 3)), 3);
  const at::Tensor joined = at::matmul(probability, heads(tokens, 2)).flatten(1);  // one query: heads side by side
  return {at::linear(joined, layer.out_proj->weight, layer.out_proj->bias), probability.mean(1)};
}

}  // namespace

NoiseFilterImpl::NoiseFilterImpl(std::int64_t width, std::int64_t classes, bool gate) {
  if (width % kHeads != 0) {
    throw Error(ErrorKind::kUsage,
                {.what = "the modality noise filter attends with 2 heads, and the teacher's embedding has " +
                         std::to_string(width) + " values",
                 .allowed = "a teacher of even width"});
  }
  if (gate) {
    // Made one after the other: the order of a call's arguments, and so of their random weights, is the compiler's. The
    // second first, as GCC has always had it.
    const nn::Linear second(width / 2, width);
    const nn::Linear first(2 * width, width / 2);
    gated_feature_composer_ = register_module("gated_feature_composer",
                                              nn::Sequential(first, nn::BatchNorm1d(width / 2), nn::ReLU(), second));
  }
  attn_ = register_module("attn", nn::MultiheadAttention(nn::MultiheadAttentionOptions(width, kHeads)));
  trans_sv_ = register_module("trans_sv", nn::Sequential(nn::Linear(width, width), nn::BatchNorm1d(width)));
  sv_cls_classifier_ = register_module("sv_cls_classifier", nn::Linear(width, classes));
}

at::Tensor NoiseFilterImpl::gate_of(const at::Tensor& teacher, const at::Tensor& tokens) {
  const auto& layers = *gated_feature_composer_;
  const at::Tensor joint = at::cat({teacher, tokens.mean(1)}, 1);
  const at::Tensor hidden = layer_at<nn::LinearImpl>(layers, 0).forward(joint);
  const at::Tensor active = at::relu(batch_normalise(layer_at<nn::BatchNorm1dImpl>(layers, 1), hidden));
  return at::sigmoid(layer_at<nn::LinearImpl>(layers, 3).forward(active));
}

FilterOutput NoiseFilterImpl::forward(const at::Tensor& teacher, const at::Tensor& tokens) {
  FilterOutput output;
  output.gate = gated_feature_composer_.is_empty() ? at::ones_like(teacher) : gate_of(teacher, tokens);
  output.filtered_teacher = output.gate * teacher;
  const Attended attended = attend(*attn_, output.filtered_teacher, tokens);
  output.attention = attended.weights;
  const at::Tensor mapped = layer_at<nn::LinearImpl>(*trans_sv_, 0).forward(attended.value);
  output.filtered_student = at::relu(batch_normalise(layer_at<nn::BatchNorm1dImpl>(*trans_sv_, 1), mapped));
  output.filtered_logits = sv_cls_classifier_->forward(output.filtered_student);
  return output;
}

at::Tensor NoiseFilterImpl::gate_norm(bool both_layers) const {
  if (gated_feature_composer_.is_empty()) return {};
  const auto norm = [&](std::size_t layer) {
    return layer_at<nn::LinearImpl>(*gated_feature_composer_, layer).weight.abs().sum(1).mean();
  };
  return both_layers ? norm(0) + norm(3) : norm(3);
}

}  // namespace cmkd
