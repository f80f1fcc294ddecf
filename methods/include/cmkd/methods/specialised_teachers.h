// The parts of MST-Distill (Li et al. 2025, arXiv 2507.07015): masks on a frozen teacher's features, which make several
// specialised teachers of one, and the gate that sends each clip to some of them.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cmkd/methods/method.h"
#include "cmkd/models/model.h"

namespace cmkd {

// H = ⌊D / (2 · heads)⌋ · heads, the width in which a mask network looks at each of D values; at least one value a
// head.
[[nodiscard]] std::int64_t mask_hidden_width(std::int64_t width, std::int64_t heads);

// m = sigmoid(w · MHA(e, e, e) + b) with e = W x + c as [B, D, H]: self-attention over the D positions. Parameters are
// named as in the public code. Cost: W has D · D · H weights, attention B · heads · D² numbers.
class MaskNetworkImpl : public torch::nn::Module {
 public:
  // of_maps: for features [B, D, H, W], which are reduced to [B, D] first: a depthwise convolution of stride 2, a 1 x 1
  // one, batch norm, ReLU and the mean over positions.
  MaskNetworkImpl(std::int64_t width, std::int64_t heads, bool of_maps);
  // [B, D] or [B, D, H, W] -> [B, D] in (0, 1)
  at::Tensor forward(const at::Tensor& feature);

 private:
  std::int64_t heads_;
  torch::nn::Sequential reduction_{nullptr};
  torch::nn::Linear embed_{nullptr};
  torch::nn::MultiheadAttention mha_{nullptr};
  torch::nn::Linear fc_{nullptr};
};
TORCH_MODULE(MaskNetwork);

// What a masked teacher goes on from.
struct TeacherFeatures {
  at::Tensor map;        // [B, D', H, W]; undefined when maps are not masked
  at::Tensor embedding;  // [B, D], D >= D': its first D' values are the means of the map's channels
};

using ToLogits = std::function<at::Tensor(const at::Tensor&)>;  // [B, D] -> [B, C]: the teacher's remaining layers

// The masks of one teacher, and its logits through them.
struct MaskedTeacher {
  MaskedTeacher() = default;
  // map_width D' 0: maps are not masked.
  MaskedTeacher(std::int64_t map_width, std::int64_t embedding_width, std::int64_t heads);

  MaskNetwork of_map{nullptr};  // empty when maps are not masked
  MaskNetwork of_embedding{nullptr};

  // Logits [B, C] of the teacher masked at each of its features, shallow to deep. stacked: a mask stays in place for
  // those after it. A mask [B, D'] of the map's channels comes to a mask of the first D' values of the embedding, for
  // the pooling that follows the map is a mean over positions.
  [[nodiscard]] std::vector<at::Tensor> logits(const TeacherFeatures& features, const ToLogits& classify, bool stacked);
};

// The suite's late fusion (`multimodal`) as a module: a network beside the frozen teacher's embedding.
class FusedTeacher final : public torch::nn::Module {
 public:
  FusedTeacher(std::shared_ptr<Model> network, std::int64_t teacher_width, std::int64_t classes);
  [[nodiscard]] Model& network() { return *network_; }
  // [v ; a] [B, D_s + D_t] -> [B, C]
  at::Tensor classify(const at::Tensor& embedding) { return classifier_->forward(embedding); }

 private:
  std::shared_ptr<Model> network_;
  torch::nn::Linear classifier_{nullptr};
};

// Two linear layers without an activation between them, from the student's logits [B, C] to the E teachers [B, E].
class RoutingGateImpl : public torch::nn::Module {
 public:
  RoutingGateImpl(std::int64_t classes, std::int64_t teachers);
  at::Tensor forward(const at::Tensor& logits);

 private:
  torch::nn::Linear fc1_{nullptr};
  torch::nn::Linear fc2_{nullptr};
};
TORCH_MODULE(RoutingGate);

struct Routing {
  at::Tensor kl;            // 0-d: mean over clips and their k teachers of T² KL(softmax(t / T) ‖ softmax(s / T))
  at::Tensor load_balance;  // 0-d: 1/E Σ_e u (log u − log p̄_e), u = 1/E, p̄ the batch mean of the gate's softmax
  at::Tensor routes;        // [B, k] int64: the chosen teachers, best first
  at::Tensor shares;        // [E]: p̄, without gradient
};

// student [B, C] logits s; teachers: E logits [B, C] t, without gradient. 1 <= k <= E. The choice itself passes no
// gradient: the gate learns from the load balance alone, and through it the student's logits, too.
[[nodiscard]] Routing route(RoutingGateImpl& gate, const at::Tensor& student, const std::vector<at::Tensor>& teachers,
                            std::int64_t k, double temperature);

struct RoutingWeights {
  double classification = 1.0;
  double kl = 1.0;
  double load_balance = 1.0;
};
// The last phase's terms student_cls, routed_kl and load_balance, which train "student" and "gate". labels [B], known
// [B].
[[nodiscard]] std::vector<LossTerm> routing_terms(const Routing& routing, const at::Tensor& student,
                                                  const at::Tensor& labels, const at::Tensor& known,
                                                  const RoutingWeights& weights);
// A mask's term: KD(masked teacher <- student), T² KL(softmax(s / T) ‖ softmax(t / T)), which trains `group` alone.
// student [B, C] without gradient, masked [B, C].
[[nodiscard]] LossTerm mask_term(const std::string& group, const at::Tensor& student, const at::Tensor& masked,
                                 double temperature, double weight);

// The checks of the vector folders mst_mask and mst_routing.
[[nodiscard]] std::map<std::string, ConformanceCheck> specialised_teachers_conformance();

}  // namespace cmkd
