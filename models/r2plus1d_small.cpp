// A small R(2+1)D for the CPU: spatial and temporal convolutions factorised as in Tran et al. 2018 (arXiv 1711.11248).
#include <torch/nn/modules/linear.h>

#include "blocks.h"
#include "cmkd/core/error.h"
#include "cmkd/models/model.h"

namespace cmkd::models {

namespace {

namespace nn = torch::nn;

// A spatial convolution that halves the picture, then a temporal one with a shortcut: [B, C, T, H, W] -> [B, out, T,
// H/2, W/2].
class FactorisedStage : public nn::Module {
 public:
  FactorisedStage(std::int64_t in, std::int64_t out, std::int64_t spatial_kernel, std::int64_t spatial_stride) {
    spatial_ = register_module(
        "spatial", conv3d_bn_relu(in, out, {1, spatial_kernel, spatial_kernel}, {1, spatial_stride, spatial_stride}));
    temporal_ =
        register_module("temporal", nn::Conv3d(nn::Conv3dOptions(out, out, {3, 1, 1}).padding({1, 0, 0}).bias(false)));
    norm_ = register_module("norm", nn::BatchNorm3d(out));
  }

  at::Tensor forward(const at::Tensor& input) {
    const at::Tensor map = spatial_->forward(input);
    return norm_->forward(temporal_->forward(map)).add_(map).relu_();
  }

 private:
  nn::Sequential spatial_{nullptr};
  nn::Conv3d temporal_{nullptr};
  nn::BatchNorm3d norm_{nullptr};
};

// Time is kept at full length to the last stage: what a clip shows is in the order of its frames.
class SmallR2Plus1d : public Model {
 public:
  explicit SmallR2Plus1d(const ModelConfig& config)
      : classes_(config.classes), width_(config.parameters.integer("width")) {
    channels_ = {width_ / 4, width_ / 2, 3 * width_ / 4, width_};
    stages_.push_back(register_module("stage1", std::make_shared<FactorisedStage>(3, channels_[0], 5, 2)));
    stages_.push_back(register_module("stage2", std::make_shared<FactorisedStage>(channels_[0], channels_[1], 3, 2)));
    stages_.push_back(register_module("stage3", std::make_shared<FactorisedStage>(channels_[1], channels_[2], 3, 2)));
    stages_.push_back(register_module("stage4", std::make_shared<FactorisedStage>(channels_[2], channels_[3], 3, 1)));
    fc_ = register_module("fc", nn::Linear(width_, classes_));
    initialise(*this);
  }

  ModelOutput forward(const at::Tensor& input, const OutputRequest& request) override {
    ModelOutput output;
    at::Tensor map = input;
    for (const auto& stage : stages_) {
      map = stage->forward(map);
      if (request.stages) output.stages.push_back(map);
    }
    if (request.tokens) output.tokens = tokens_of(map);
    output.embedding = pooled(map);
    output.logits = fc_->forward(output.embedding);
    return output;
  }

  [[nodiscard]] ParameterPlace place_of(const std::string& parameter) const override {
    return place_in_stages(parameter, "stage", 4);
  }

  [[nodiscard]] ModelShape shape() const override { return {Modality::kVideo, classes_, width_, width_, channels_}; }

 private:
  std::int64_t classes_;
  std::int64_t width_;
  std::vector<std::int64_t> channels_;
  std::vector<std::shared_ptr<FactorisedStage>> stages_;
  nn::Linear fc_{nullptr};
};

const ModelRegistration r2plus1d_small_registration{ModelInfo{
    "r2plus1d_small",
    "small R(2+1)D",
    "after Tran et al. 2018, arXiv 1711.11248",
    Modality::kVideo,
    "Four factorised stages that keep every frame, about 70,000 parameters at width 64. For small clips (8 frames of "
    "32 x 32) on a CPU.",
    {ParameterSpec::integer("width", 64, 8, 1024, "channels of the last stage and of the embedding")},
    [](const ModelConfig& config) -> std::shared_ptr<Model> {
      if (config.parameters.integer("width") % 4 != 0) {
        throw Error(ErrorKind::kUsage,
                    {.what = "r2plus1d_small: width is not a multiple of 4", .allowed = "8, 12, 16, …"});
      }
      return std::make_shared<SmallR2Plus1d>(config);
    }}};

}  // namespace

}  // namespace cmkd::models
