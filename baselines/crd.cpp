// crd — Tian et al. 2020, "Contrastive Representation Distillation", arXiv 1910.10699, equations 10 to 18.
//
//   u = E_s s / its norm, v = E_t t / its norm;  memories U, V [n, d] of all clips of the training, rows of length one
//   for clip i, its place in the memories c_0 = i and `negatives` places c_1 … c_K of clips of another class:
//     P_k(v) = exp(U_(c_k) · v / T) / Z_s,   P_k(u) = exp(V_(c_k) · u / T) / Z_t
//   h(P) = −mean over clips of ( log(P_0 / (P_0 + K/n + ε)) + Σ_k log((K/n) / (P_k + K/n + ε)) ), ε = 1e-7
//   L = weight · (h(P(u)) + h(P(v))) + classification_weight · CE(z, y)
//   after the step: U_i ← momentum · U_i + (1 − momentum) · u, made of length one again; V alike
//
// s [B, D_s], t [B, D_t] embeddings, n clips of the training, Z_s and Z_t set once, from the first batch: n times the
// mean of its exponentials. The similarities to all places come from one product with the memory, of which the places
// are gathered. Negatives are drawn with replacement, as the official code does whenever there are fewer clips of other
// classes than negatives. What counts as the class of a clip without label is the setting `unlabelled`.
//
// Differs: one product with the whole memory and a gather stand for the official gather and product: the same values
// at a fifth of the time (measured). With small sets there are at most n - 1 negatives. A clip without label has a
// class by the setting `unlabelled`, of which the paper has none.
#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "cmkd/core/error.h"
#include "cmkd/methods/losses.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

constexpr double kCrdEpsilon = 1e-7;

std::vector<ParameterSpec> crd_parameters() {
  return {weight_parameter(0.1),
          classification_weight_parameter(),
          ParameterSpec::number("temperature", 0.07, 1e-3, 1e3, "T, dividing inner products."),
          ParameterSpec::number("momentum", 0.5, 0, 1, "Share of its old row that a clip's memory keeps."),
          ParameterSpec::integer("negatives", 16384, 1, 1e9,
                                 "Negatives a clip; never more than the training's clips less one.", "clips"),
          ParameterSpec::integer("width", 128, 1, 1e6, "d, the width of the compared embeddings."),
          unlabelled_parameter()};
}

// [B, D] -> [B, d] of length one. Parameters are named as in the official module.
class EmbedImpl final : public torch::nn::Module {
 public:
  EmbedImpl(std::int64_t from, std::int64_t to) { linear_ = register_module("linear", torch::nn::Linear(from, to)); }
  at::Tensor forward(const at::Tensor& features) { return unit_rows(linear_->forward(features.flatten(1))); }

 private:
  torch::nn::Linear linear_{nullptr};
};
TORCH_MODULE(Embed);

// Where negatives are drawn: the clips in the order of their classes, so that those of other classes are all but one
// stretch.
struct NegativePool {
  at::Tensor order;  // [m] int64: places of the clips that may be negatives, sorted by class
  at::Tensor begin;  // [n] int64: where the stretch of a clip's class begins in `order`
  at::Tensor same;   // [n] int64: its length
};

// Classes of all clips of the training: the label, else what the policy says.
NegativePool make_pool(const at::Tensor& labels, const at::Tensor& pseudo_labels, UnlabelledPolicy policy) {
  const std::int64_t count = labels.size(0);
  const at::Tensor hidden = labels.lt(0);
  at::Tensor classes = labels;
  if (policy == UnlabelledPolicy::kPseudo) classes = at::where(hidden, pseudo_labels, labels);
  if (policy == UnlabelledPolicy::kInstance) {
    const at::Tensor own = at::arange(count, at::kLong) + labels.max() + 1;
    classes = at::where(hidden, own, labels);
  }
  at::Tensor order = std::get<1>(at::sort(classes, /*stable=*/true, /*dim=*/0, /*descending=*/false));
  if (policy == UnlabelledPolicy::kSkip)
    order = order.narrow(0, hidden.sum().item<std::int64_t>(), (count - hidden.sum()).item<std::int64_t>());
  const at::Tensor sorted = classes.index_select(0, order).contiguous();
  const at::Tensor begin = at::searchsorted(sorted, classes.contiguous());
  const at::Tensor end = at::searchsorted(sorted, classes.contiguous(), /*out_int32=*/false, /*right=*/true);
  return {order, begin, end - begin};
}

class ContrastiveRepresentation final : public Method {
 public:
  struct Sizes {
    std::int64_t student = 0;  // widths of the embeddings
    std::int64_t teacher = 0;
    std::int64_t clips = 0;
  };

  ContrastiveRepresentation(const Parameters& values, const Sizes& sizes, NegativePool pool)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        temperature_(values.number("temperature")),
        momentum_(values.number("momentum")),
        negatives_(std::max<std::int64_t>(1, std::min(values.integer("negatives"), sizes.clips - 1))),
        unlabelled_(parse_unlabelled_policy(values.text("unlabelled"))),
        pool_(std::move(pool)) {
    const std::int64_t width = values.integer("width");
    embed_s_ = register_module("embed_s", Embed(sizes.student, width));
    embed_t_ = register_module("embed_t", Embed(sizes.teacher, width));
    const double range = 1.0 / std::sqrt(static_cast<double>(width) / 3.0);
    memory_v1_ = register_buffer("memory_v1", at::rand({sizes.clips, width}) * (2 * range) - range);
    memory_v2_ = register_buffer("memory_v2", at::rand({sizes.clips, width}) * (2 * range) - range);
    z_ = register_buffer("z", at::full({2}, -1.0));
  }

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    const EffectiveLabels labels = effective_labels(input, unlabelled_);
    const at::Tensor index = contrasted_rows(input.transfer_index, labels);
    return {{student_classification(input, classification_weight_),
             {"contrast",
              contrast(contrasted_rows(input.student.embedding, labels),
                       contrasted_rows(input.teacher.embedding, labels), index, std::nullopt),
              weight_,
              {"student", "method"}}},
            {}};
  }

  // The contrastive loss of clips at `index` of the memories. `places` [B, 1 + K], column 0 the clip itself; drawn when
  // not given (conformance cases give them).
  [[nodiscard]] at::Tensor contrast(const at::Tensor& student, const at::Tensor& teacher, const at::Tensor& index,
                                    const std::optional<at::Tensor>& places) {
    const at::Tensor own = embed_s_->forward(student);
    const at::Tensor other = embed_t_->forward(teacher);
    pending_ = {index, own.detach(), other.detach()};
    if (index.size(0) == 0) return zero_of(own) + zero_of(other);
    const Places drawn = places ? Places{*places, {}} : draw(index);
    const at::Tensor of_student = exponentials(own, memory_v2_, drawn.places);
    const at::Tensor of_teacher = exponentials(other, memory_v1_, drawn.places);
    set_normalisers(of_student, of_teacher);
    return estimation_loss(of_student / z_[0], drawn.has_negatives) +
           estimation_loss(of_teacher / z_[1], drawn.has_negatives);
  }

  // The memories move after the step, by the features that the step has seen.
  void after_step(const StepContext& /*context*/) override {
    if (!pending_.index.defined() || pending_.index.size(0) == 0) return;
    remember(memory_v1_, pending_.student);
    remember(memory_v2_, pending_.teacher);
    pending_ = {};
  }

 private:
  struct Places {
    at::Tensor places;         // [B, 1 + K] int64
    at::Tensor has_negatives;  // [B, 1] bool: false where every clip is of the clip's own class; undefined: all true
  };
  struct Pending {
    at::Tensor index;
    at::Tensor student;
    at::Tensor teacher;
  };

  [[nodiscard]] Places draw(const at::Tensor& index) {
    const at::Device device = index.device();
    if (pool_.order.device() != device) {
      pool_ = {pool_.order.to(device), pool_.begin.to(device), pool_.same.to(device)};
    }
    const std::int64_t total = pool_.order.size(0);
    // Drawn on the host, so that a device draws the same.
    const at::Tensor uniform =
        at::rand({index.size(0), negatives_}, at::TensorOptions().dtype(at::kDouble)).to(device, /*non_blocking=*/true);
    const at::Tensor begin = pool_.begin.index_select(0, index).unsqueeze(1);
    const at::Tensor same = pool_.same.index_select(0, index).unsqueeze(1);
    const at::Tensor others = total - same;
    const at::Tensor rank = at::minimum((uniform * others).floor().to(at::kLong), (others - 1).clamp_min(0));
    const at::Tensor place = (rank + same * rank.ge(begin)).clamp_max(total - 1);
    return {at::cat({index.unsqueeze(1), pool_.order.index_select(0, place.flatten()).view_as(place)}, 1),
            others.gt(0)};
  }

  [[nodiscard]] at::Tensor exponentials(const at::Tensor& features, const at::Tensor& memory,
                                        const at::Tensor& places) const {
    // A copy: the memory moves before the backward pass of a later step would need it as it was.
    const at::Tensor similarity = at::mm(features, memory.detach().clone().t().to(features.scalar_type()));
    return (similarity.gather(1, places) / temperature_).exp();
  }

  void set_normalisers(const at::Tensor& of_student, const at::Tensor& of_teacher) {
    const at::NoGradGuard no_grad;
    const auto clips = static_cast<double>(memory_v1_.size(0));
    const at::Tensor first = at::stack({of_student.mean(), of_teacher.mean()}).to(z_.scalar_type()) * clips;
    z_.copy_(at::where(z_.lt(0), first, z_));
  }

  [[nodiscard]] at::Tensor estimation_loss(const at::Tensor& probability, const at::Tensor& has_negatives) const {
    const std::int64_t negatives = probability.size(1) - 1;
    const double noise = static_cast<double>(negatives) / static_cast<double>(memory_v1_.size(0));
    const at::Tensor positive = probability.narrow(1, 0, 1);
    const at::Tensor negative = probability.narrow(1, 1, negatives);
    const at::Tensor pull = (positive / (positive + noise + kCrdEpsilon)).log();
    at::Tensor push = (noise / (negative + noise + kCrdEpsilon)).log().sum(1, /*keepdim=*/true);
    if (has_negatives.defined()) push = push * has_negatives;
    return -(pull + push).sum() / static_cast<double>(probability.size(0));
  }

  void remember(at::Tensor& memory, const at::Tensor& features) {
    const at::Tensor old = memory.index_select(0, pending_.index);
    const at::Tensor moved = old * momentum_ + features.to(memory.scalar_type()) * (1 - momentum_);
    memory.index_copy_(0, pending_.index, unit_rows(moved));
  }

  double weight_;
  double classification_weight_;
  double temperature_;
  double momentum_;
  std::int64_t negatives_;
  UnlabelledPolicy unlabelled_;
  NegativePool pool_;
  Embed embed_s_{nullptr};
  Embed embed_t_{nullptr};
  at::Tensor memory_v1_;  // U: of the student
  at::Tensor memory_v2_;  // V: of the teacher
  at::Tensor z_;          // Z_t, dividing the student's exponentials, and Z_s; −1 before the first batch
  Pending pending_;
};

// Two steps in a row, the memories and normalisers of the first carried into the second.
TensorMap check_crd(const VectorCase& vector_case) {
  Parameters values(crd_parameters());
  values.set("temperature", vector_case.hyper("temperature"));
  values.set("momentum", vector_case.hyper("momentum"));
  values.set("negatives", static_cast<std::int64_t>(vector_case.hyper("negatives")));
  values.set("width", static_cast<std::int64_t>(vector_case.hyper("embedding_dim")));
  const auto method = std::make_shared<ContrastiveRepresentation>(
      values,
      ContrastiveRepresentation::Sizes{vector_case.at("step0.student").size(1), vector_case.at("step0.teacher").size(1),
                                       static_cast<std::int64_t>(vector_case.hyper("dataset_size"))},
      NegativePool{});
  make_double(*method, vector_case.device());
  TensorMap state = vector_case.with_prefix("param.");
  state.merge(vector_case.with_prefix("buffer."));
  state.emplace("z", at::full({2}, -1.0, at::kDouble));
  load_state(*method, state, "the case's param.* and buffer.*");
  TensorMap computed;
  for (std::int64_t step = 0; vector_case.has("step" + std::to_string(step) + ".student"); ++step) {
    const std::string prefix = "step" + std::to_string(step) + ".";
    const at::Tensor student = vector_case.leaf(prefix + "student");
    const at::Tensor loss =
        method->contrast(student, vector_case.at(prefix + "teacher"), vector_case.at(prefix + "index"),
                         vector_case.at(prefix + "contrast_index"));
    const TensorMap gradients =
        routed_gradients({{"contrast", loss, 1.0, {"student", "method"}}}, method, {{"student", student}});
    {
      const at::NoGradGuard no_grad;
      method->after_step(StepContext{});
    }
    add_with_prefix(computed, prefix, with_prefix(gradients, ""));
    computed.emplace(prefix + "loss", loss.detach());
    for (const auto& item : method->named_buffers()) computed.emplace(prefix + item.key(), item.value().clone());
  }
  return computed;
}

MethodInfo describe_crd() {
  MethodInfo info;
  info.id = "crd";
  info.title = "Contrastive Representation Distillation";
  info.paper = "Tian et al. 2020, Contrastive Representation Distillation, arXiv 1910.10699";
  info.formula =
      "L = weight (noise-contrastive estimation of the student's embedding against a memory of the teacher's, and the "
      "reverse; one positive, K negatives of other classes, temperature T, normalisers of the first batch) + "
      "classification_weight CE(z, y)";
  info.verified = Verified::kStep;
  info.parameters = crd_parameters();
  info.presets["paper"] = {{"weight", 0.8},   {"classification_weight", 1.0},     {"temperature", 0.07},
                           {"momentum", 0.5}, {"negatives", std::int64_t{16384}}, {"width", std::int64_t{128}}};
  info.presets["suite"] = {{"weight", 0.1},   {"classification_weight", 1.0},     {"temperature", 0.07},
                           {"momentum", 0.5}, {"negatives", std::int64_t{16384}}, {"width", std::int64_t{128}}};
  info.search = {{"weight", 0.003, 1.0}, {"temperature", 0.03, 0.5}};
  info.unlabelled =
      "setting 'unlabelled', for the classes that negatives are drawn from: the teacher's argmax stands for the label "
      "(pseudo, default), the clip leaves the contrast and the pool of negatives (skip), or it is a class of its own "
      "(instance). The cross-entropy sees labelled clips only.";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    const ContrastiveRepresentation::Sizes sizes{setup.student_shape.embedding_width,
                                                 required_teacher_shape(setup, "crd").embedding_width,
                                                 setup.transfer_clips};
    if (sizes.clips < 2) {
      throw Error(ErrorKind::kUsage,
                  {"method 'crd' contrasts clips, and the training has " + std::to_string(sizes.clips) + " of them", "",
                   "at least 2", "use more clips, or leave the method out"});
    }
    NegativePool pool = make_pool(setup.transfer_labels, setup.transfer_pseudo_labels,
                                  parse_unlabelled_policy(setup.parameters.text("unlabelled")));
    return make_distillation(setup, needs,
                             std::make_shared<ContrastiveRepresentation>(setup.parameters, sizes, std::move(pool)));
  };
  info.conformance["crd"] = check_crd;
  return info;
}

const MethodRegistration crd_registration{describe_crd()};

}  // namespace
}  // namespace cmkd
