// reviewkd — Chen et al. 2021, "Distilling Knowledge via Knowledge Review", arXiv 2104.09044, sections 3.2 to 3.4.
//
//   from the deepest stage l = n to the shallowest, with the fused map u_(l+1) of the stage below it:
//     x = BN(K1 ∗ s_l),  [α ; β] = sigmoid(K ∗ [x ; up(u_(l+1))]),  u_l = α x + β up(u_(l+1))   (deepest: u_n = x)
//     f_l = BN(K3 ∗ u_l)
//   L_review = Σ_l H(f_l, t_l),  H(f, t) = Σ_k w_k mean (pool_k f − pool_k t)² / Σ_k w_k,  pool_k: the whole map (w =
//   1),
//     then 4, 2 and 1 positions a side, as many as are fewer than the map's, their weights halving
//   L = weight · min((epoch + 1) / warmup_epochs, 1) · L_review + classification_weight · CE(z, y)
//
// s_l [B, C_l, H, W], t_l [B, C'_l, H, W] stages of student and teacher, deepest with deepest; K1 1 x 1 to the width of
// the deepest student stage (512 at most), K3 3 x 3 to the teacher's width, both without bias; up is nearest-neighbour
// resampling.
//
// Differs: the maps are those of a common grid (maps.h), since all that two modalities share is time; on "time" they
// are [B, C, 1, T], the kernels see neighbours in time, and the levels pool time alone.
#include <ATen/ATen.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>

#include <algorithm>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/maps.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

namespace nn = torch::nn;

using ReviewChannelPairs = std::vector<std::pair<std::int64_t, std::int64_t>>;

std::vector<ParameterSpec> reviewkd_parameters() {
  return {weight_parameter(0.3), classification_weight_parameter(),
          ParameterSpec::integer("warmup_epochs", 2, 0, 100000,
                                 "Epochs over which the weight rises to its value; 0: at once.", "epochs"),
          grid_parameter()};
}

// A convolution without bias and its batch norm, as children "0" and "1": the official names.
class NormedConvolutionImpl final : public nn::Module {
 public:
  NormedConvolutionImpl(std::int64_t from, std::int64_t to, std::int64_t kernel) {
    convolution_ =
        register_module("0", nn::Conv2d(nn::Conv2dOptions(from, to, kernel).padding(kernel / 2).bias(false)));
    norm_ = register_module("1", nn::BatchNorm2d(to));
  }
  at::Tensor forward(const at::Tensor& map) { return batch_normalise(*norm_, convolution_->forward(map)); }

 private:
  nn::Conv2d convolution_{nullptr};
  nn::BatchNorm2d norm_{nullptr};
};
TORCH_MODULE(NormedConvolution);

// Attention-based fusion of one stage with what comes from below it.
class FusionImpl final : public nn::Module {
 public:
  struct Output {
    at::Tensor compared;  // f [B, teacher's channels, H, W]
    at::Tensor fused;     // u [B, hidden, H, W], for the next stage
  };

  FusionImpl(std::int64_t from, std::int64_t hidden, std::int64_t to, bool has_deeper) {
    conv1_ = register_module("conv1", NormedConvolution(from, hidden, 1));
    conv2_ = register_module("conv2", NormedConvolution(hidden, to, 3));
    if (!has_deeper) return;
    att_conv_ =
        register_module("att_conv", nn::Sequential(nn::Conv2d(nn::Conv2dOptions(2 * hidden, 2, 1)), nn::Sigmoid()));
  }

  Output forward(const at::Tensor& map, const at::Tensor& deeper) {
    at::Tensor fused = conv1_->forward(map);
    if (!att_conv_.is_empty()) {
      const at::Tensor enlarged = nearest_to(deeper, map.size(2), map.size(3));
      const at::Tensor attention = att_conv_->forward(at::cat({fused, enlarged}, 1));
      fused = fused * attention.narrow(1, 0, 1) + enlarged * attention.narrow(1, 1, 1);
    }
    return {conv2_->forward(fused), fused};
  }

 private:
  static at::Tensor nearest_to(const at::Tensor& map, std::int64_t height, std::int64_t width) {
    if (map.size(2) == height && map.size(3) == width) return map;
    return resampled(map, nearest_matrix(map.size(2), height, map), nearest_matrix(map.size(3), width, map));
  }

  NormedConvolution conv1_{nullptr};
  NormedConvolution conv2_{nullptr};
  nn::Sequential att_conv_{nullptr};
};
TORCH_MODULE(Fusion);

// H(f, t), the hierarchical context loss of one stage.
at::Tensor hierarchical_context(const at::Tensor& student, const at::Tensor& teacher) {
  const std::int64_t height = student.size(2);
  const std::int64_t width = student.size(3);
  at::Tensor sum = at::mse_loss(student, teacher);
  double weight = 1.0;
  double total = 1.0;
  for (const std::int64_t level : {4, 2, 1}) {
    if (level >= std::max(height, width)) continue;
    weight /= 2;
    total += weight;
    const std::int64_t rows = std::min(level, height);
    const std::int64_t columns = std::min(level, width);
    sum = sum + weight * at::mse_loss(pooled_to(student, rows, columns), pooled_to(teacher, rows, columns));
  }
  return sum / total;
}

class KnowledgeReview final : public Method {
 public:
  // `channels`: student and teacher of each stage, shallow to deep.
  KnowledgeReview(const Parameters& values, const ReviewChannelPairs& channels)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        warmup_epochs_(values.integer("warmup_epochs")),
        grid_(parse_grid(values.text("grid"))) {
    constexpr std::int64_t kWidest = 512;
    const std::int64_t hidden = std::min(kWidest, channels.back().first);
    fusion_ = register_module("fusion", nn::ModuleList());
    for (std::size_t i = 0; i < channels.size(); ++i) {
      fusion_->push_back(Fusion(channels[i].first, hidden, channels[i].second, i + 1 < channels.size()));
    }
  }

  struct Output {
    StepResult result;
    std::vector<at::Tensor> compared;  // f_l, shallow to deep
  };

  std::vector<at::Tensor> teacher_maps(std::vector<at::Tensor> stages,
                                       const std::vector<at::Tensor>& student) const override {
    return teacher_on_common_grid(stages, student, grid_);
  }

  StepResult loss(const MethodInput& input, const StepContext& context) override {
    return compute(input, context).result;
  }

  [[nodiscard]] Output compute(const MethodInput& input, const StepContext& context) {
    const std::vector<MapPair> pairs = stage_pairs(input, grid_);
    Output output{{{student_classification(input, classification_weight_)}, {}}, std::vector<at::Tensor>(pairs.size())};
    at::Tensor sum = zero_of(input.student.logits);
    at::Tensor deeper;
    for (std::size_t i = pairs.size(); i-- > 0;) {
      const auto [compared, fused] = fusion_->at<FusionImpl>(i).forward(pairs[i].student, deeper);
      deeper = fused;
      const at::Tensor stage = hierarchical_context(compared, pairs[i].teacher);
      output.compared[i] = compared;
      output.result.diagnostics.push_back({"stage" + std::to_string(i), stage.detach()});
      sum = sum + stage;
    }
    output.result.terms.push_back({"review", sum, weight_ * warmup(context), {"student", "method"}});
    return output;
  }

 private:
  [[nodiscard]] double warmup(const StepContext& context) const {
    if (warmup_epochs_ == 0) return 1.0;
    return std::min(1.0, static_cast<double>(context.epoch + 1) / static_cast<double>(warmup_epochs_));
  }

  double weight_;
  double classification_weight_;
  std::int64_t warmup_epochs_;
  Grid grid_;
  nn::ModuleList fusion_{nullptr};
};

TensorMap check_reviewkd(const VectorCase& vector_case) {
  Parameters values(reviewkd_parameters());
  values.set("weight", 1.0);
  values.set("warmup_epochs", std::int64_t{0});
  values.set("grid", std::string("plane"));
  ReviewChannelPairs channels;
  NamedLeaves leaves;
  MethodInput input = unlabelled_input(vector_case.at("student.0"));
  for (std::size_t i = 0; vector_case.has("student." + std::to_string(i)); ++i) {
    const std::string stage = std::to_string(i);
    leaves.emplace_back("student." + stage, vector_case.leaf("student." + stage));
    const at::Tensor& teacher = vector_case.at("teacher." + stage);
    channels.emplace_back(leaves.back().second.size(1), teacher.size(1));
    input.student.stages.push_back(leaves.back().second);
    input.teacher.stages.push_back(teacher);
  }
  const auto method = std::make_shared<KnowledgeReview>(values, channels);
  load_case(*method, vector_case);
  const KnowledgeReview::Output output = method->compute(input, StepContext{});
  TensorMap computed = routed_gradients(output.result.terms, method, leaves);
  computed.emplace("loss", weighted_term(output.result, "review"));
  for (std::size_t i = 0; i < output.compared.size(); ++i) {
    computed.emplace("fused." + std::to_string(i), output.compared[i].detach());
  }
  return computed;
}

MethodInfo describe_reviewkd() {
  MethodInfo info;
  info.id = "reviewkd";
  info.title = "Knowledge Review";
  info.paper = "Chen et al. 2021, Distilling Knowledge via Knowledge Review, arXiv 2104.09044";
  info.formula =
      "L = weight min((epoch + 1) / warmup_epochs, 1) sum over stages of H(f_l, t_l) + classification_weight CE(z, y); "
      "f_l fuses the student's stage l with all deeper ones by learned attention, H compares the maps and their "
      "averages "
      "at 4, 2 and 1 positions a side with halving weights";
  info.verified = Verified::kLoss;
  info.repeatable_step = true;
  info.parameters = reviewkd_parameters();
  info.presets["paper"] = {{"weight", 1.0}, {"classification_weight", 1.0}, {"warmup_epochs", std::int64_t{20}}};
  info.presets["suite"] = {{"weight", 0.3}, {"classification_weight", 1.0}, {"warmup_epochs", std::int64_t{2}}};
  info.needs = stage_needs();
  info.search = {{"weight", 0.01, 10.0}};
  info.multi_label = true;
  info.unlabelled = "in the review loss, which needs no label; not in the cross-entropy";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    return make_distillation(
        setup, needs, std::make_shared<KnowledgeReview>(setup.parameters, stage_channel_pairs(setup, "reviewkd", 2)));
  };
  info.conformance["reviewkd"] = check_reviewkd;
  return info;
}

const MethodRegistration reviewkd_registration{describe_reviewkd()};

}  // namespace
}  // namespace cmkd
