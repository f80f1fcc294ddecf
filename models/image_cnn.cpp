// A CNN for sets with a single frame a clip (AV-MNIST).
#include <fmt/format.h>
#include <torch/nn/modules/linear.h>

#include "blocks.h"
#include "cmkd/core/error.h"
#include "cmkd/models/model.h"

namespace cmkd::models {

namespace {

namespace nn = torch::nn;

class ImageCnn : public Model {
 public:
  explicit ImageCnn(const ModelConfig& config) : classes_(config.classes), width_(config.parameters.integer("width")) {
    channels_ = {width_ / 4, width_ / 2, width_};
    std::int64_t in = 3;
    for (std::size_t i = 0; i < channels_.size(); ++i) {
      stages_.push_back(register_module("stage" + std::to_string(i + 1), conv2d_bn_relu(in, channels_[i], 3, 2)));
      in = channels_[i];
    }
    fc_ = register_module("fc", nn::Linear(width_, classes_));
    initialise(*this);
  }

  ModelOutput forward(const at::Tensor& input, const OutputRequest& request) override {
    ModelOutput output;
    at::Tensor map = input.squeeze(2);  // [B, 3, 1, H, W] -> [B, 3, H, W]
    for (auto& stage : stages_) {
      map = stage->forward(map);
      if (request.stages) output.stages.push_back(map.unsqueeze(2));  // [B, C, 1, H, W], as every video map
    }
    if (request.tokens) output.tokens = tokens_of(map);
    output.embedding = pooled(map);
    output.logits = fc_->forward(output.embedding);
    return output;
  }

  [[nodiscard]] ParameterPlace place_of(const std::string& parameter) const override {
    return place_in_stages(parameter, "stage", 3);
  }

  [[nodiscard]] ModelShape shape() const override { return {Modality::kVideo, classes_, width_, width_, channels_}; }

 private:
  std::int64_t classes_;
  std::int64_t width_;
  std::vector<std::int64_t> channels_;
  std::vector<nn::Sequential> stages_;
  nn::Linear fc_{nullptr};
};

const ModelRegistration image_cnn_registration{ModelInfo{
    "image_cnn",
    "image CNN",
    "plain convolutional network (this project)",
    Modality::kVideo,
    "Three strided 3 x 3 convolutions, about 25,000 parameters at width 64. For single-frame sets such as AV-MNIST.",
    {ParameterSpec::integer("width", 64, 8, 1024, "channels of the last stage and of the embedding")},
    [](const ModelConfig& config) -> std::shared_ptr<Model> {
      if (config.frames != 1) {
        throw Error(ErrorKind::kUsage, {.what = fmt::format("image_cnn takes one frame a clip, not {}", config.frames),
                                        .allowed = "clip.frames = 1",
                                        .fix = "set clip.frames = 1 or choose a video model"});
      }
      if (config.parameters.integer("width") % 4 != 0) {
        throw Error(ErrorKind::kUsage, {.what = "image_cnn: width is not a multiple of 4", .allowed = "8, 12, 16, …"});
      }
      return std::make_shared<ImageCnn>(config);
    }}};

}  // namespace

}  // namespace cmkd::models
