#include "cmkd/methods/specialised_teachers.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "cmkd/methods/losses.h"

namespace cmkd {

namespace {

// softmax(q kᵀ / √d) v of all positions of x [B, n, H] for all, with the layer's own projections. (Its `forward`
// compares query, key and value by content first, which stalls an accelerator.)
at::Tensor attend_to_itself(const torch::nn::MultiheadAttentionImpl& layer, const at::Tensor& x, std::int64_t heads) {
  const std::int64_t width = x.size(2) / heads;
  const std::vector<at::Tensor> parts = at::linear(x, layer.in_proj_weight, layer.in_proj_bias).chunk(3, 2);
  const auto by_head = [&](const at::Tensor& part) { return part.unflatten(2, {heads, width}).transpose(1, 2); };
  const at::Tensor scaled = by_head(parts[0]) / std::sqrt(static_cast<double>(width));
  const at::Tensor probability = at::softmax(at::matmul(scaled, by_head(parts[1]).transpose(2, 3)), 3);
  const at::Tensor joined = at::matmul(probability, by_head(parts[2])).transpose(1, 2).flatten(2);
  return at::linear(joined, layer.out_proj->weight, layer.out_proj->bias);
}

// `mask` [B, D'] on the first D' of D values.
at::Tensor masked_channels(const at::Tensor& embedding, const at::Tensor& mask) {
  const std::int64_t rest = embedding.size(1) - mask.size(1);
  if (rest == 0) return embedding * mask;
  return at::cat({embedding.narrow(1, 0, mask.size(1)) * mask, embedding.narrow(1, mask.size(1), rest)}, 1);
}

}  // namespace

std::int64_t mask_hidden_width(std::int64_t width, std::int64_t heads) {
  return std::max(width / (2 * heads) * heads, heads);
}

MaskNetworkImpl::MaskNetworkImpl(std::int64_t width, std::int64_t heads, bool of_maps) : heads_(heads) {
  namespace nn = torch::nn;
  const std::int64_t hidden = mask_hidden_width(width, heads);
  if (of_maps) {
    // Made one after the other: the order of a call's arguments is the compiler's.
    const nn::Conv2d depthwise(nn::Conv2dOptions(width, width, 3).stride(2).padding(1).groups(width).bias(false));
    const nn::Conv2d pointwise(nn::Conv2dOptions(width, width, 1).bias(false));
    reduction_ = nn::Sequential(depthwise, pointwise, nn::BatchNorm2d(width));
    const auto reduce = register_module("spatial_reduce", std::make_shared<nn::Module>("spatial_reduce"));
    reduce->register_module("downsample", reduction_.ptr());
  }
  embed_ = register_module("embed", nn::Linear(width, hidden * width));
  mha_ = register_module("mha", nn::MultiheadAttention(nn::MultiheadAttentionOptions(hidden, heads)));
  fc_ = register_module("fc", nn::Linear(hidden, 1));
}

at::Tensor MaskNetworkImpl::forward(const at::Tensor& feature) {
  at::Tensor seen = feature;
  if (!reduction_.is_empty()) {
    const at::Tensor convolved = reduction_->ptr(1)->as<torch::nn::Conv2d>()->forward(
        reduction_->ptr(0)->as<torch::nn::Conv2d>()->forward(seen));
    seen = at::relu(batch_normalise(*reduction_->ptr(2)->as<torch::nn::BatchNorm2d>(), convolved)).mean({2, 3});
  }
  const std::int64_t width = seen.size(1);
  const at::Tensor positions = embed_->forward(seen).view({seen.size(0), width, -1});
  return at::sigmoid(fc_->forward(attend_to_itself(*mha_, positions, heads_)).squeeze(2));
}

MaskedTeacher::MaskedTeacher(std::int64_t map_width, std::int64_t embedding_width, std::int64_t heads) {
  if (map_width > 0) of_map = MaskNetwork(map_width, heads, /*of_maps=*/true);
  of_embedding = MaskNetwork(embedding_width, heads, /*of_maps=*/false);
}

std::vector<at::Tensor> MaskedTeacher::logits(const TeacherFeatures& features, const ToLogits& classify, bool stacked) {
  std::vector<at::Tensor> all;
  at::Tensor embedding = features.embedding;
  if (!of_map.is_empty()) {
    const at::Tensor masked = masked_channels(embedding, of_map->forward(features.map));
    all.push_back(classify(masked));
    if (stacked) embedding = masked;
  }
  all.push_back(classify(of_embedding->forward(embedding) * embedding));
  return all;
}

FusedTeacher::FusedTeacher(std::shared_ptr<Model> network, std::int64_t teacher_width, std::int64_t classes)
    : network_(std::move(network)) {
  register_module("network", network_);
  classifier_ =
      register_module("classifier", torch::nn::Linear(network_->shape().embedding_width + teacher_width, classes));
}

RoutingGateImpl::RoutingGateImpl(std::int64_t classes, std::int64_t teachers) {
  fc1_ = register_module("fc1", torch::nn::Linear(classes, 2 * classes));
  fc2_ = register_module("fc2", torch::nn::Linear(2 * classes, teachers));
}

at::Tensor RoutingGateImpl::forward(const at::Tensor& logits) { return fc2_->forward(fc1_->forward(logits)); }

Routing route(RoutingGateImpl& gate, const at::Tensor& student, const std::vector<at::Tensor>& teachers, std::int64_t k,
              double temperature) {
  const at::Tensor log_probability = at::log_softmax(at_least_float(gate.forward(student)), 1);
  // log of the batch mean of the probabilities, finite where each of them underflows.
  const at::Tensor log_shares = at::logsumexp(log_probability, {0}) - std::log(static_cast<double>(student.size(0)));
  const double uniform = 1.0 / static_cast<double>(teachers.size());

  Routing routing;
  routing.routes = std::get<1>(log_probability.detach().topk(k, 1));
  const at::Tensor all = at_least_float(at::stack(teachers, 1)).detach();  // [B, E, C]
  const at::Tensor chosen =
      all.gather(1, routing.routes.unsqueeze(2).expand({all.size(0), k, all.size(2)})).flatten(0, 1);
  const at::Tensor own = at_least_float(student).unsqueeze(1).expand({all.size(0), k, all.size(2)}).flatten(0, 1);
  routing.kl = softened_kl(chosen, own, temperature);
  routing.load_balance = (uniform * (std::log(uniform) - log_shares)).mean();
  routing.shares = log_shares.detach().exp();
  return routing;
}

std::vector<LossTerm> routing_terms(const Routing& routing, const at::Tensor& student, const at::Tensor& labels,
                                    const at::Tensor& known, const RoutingWeights& weights) {
  const std::vector<std::string> both{"student", "gate"};
  return {{"student_cls", classification_term(student, labels, known), weights.classification, both},
          {"routed_kl", routing.kl, weights.kl, both},
          {"load_balance", routing.load_balance, weights.load_balance, both}};
}

LossTerm mask_term(const std::string& group, const at::Tensor& student, const at::Tensor& masked, double temperature,
                   double weight) {
  return {group, softened_kl(at_least_float(student), at_least_float(masked), temperature), weight, {group}};
}

}  // namespace cmkd
