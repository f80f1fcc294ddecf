// ResNet-18, -34 and -50 (He et al. 2016, arXiv 1512.03385) on single frames, with torchvision's layers, parameter
// names and initialisation.
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/pooling.h>

#include <array>
#include <memory>
#include <string>

#include "blocks.h"
#include "cmkd/models/model.h"

namespace cmkd::models {

namespace {

namespace nn = torch::nn;

nn::Conv2d conv2d(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

// `bottleneck`: 1 x 1, 3 x 3 (strided), 1 x 1 to four times the width; else two 3 x 3 (the first strided).
class ResidualBlock : public nn::Module {
 public:
  ResidualBlock(bool bottleneck, std::int64_t in, std::int64_t width, std::int64_t stride) {
    const std::int64_t out = bottleneck ? 4 * width : width;
    if (bottleneck) {
      add_layer(in, width, 1, 1);
      add_layer(width, width, 3, stride);
      add_layer(width, out, 1, 1);
    } else {
      add_layer(in, width, 3, stride);
      add_layer(width, width, 3, 1);
    }
    if (stride != 1 || in != out) {
      downsample_ = register_module("downsample", nn::Sequential(conv2d(in, out, 1, stride), nn::BatchNorm2d(out)));
    }
  }

  at::Tensor forward(const at::Tensor& input) {
    at::Tensor map = input;
    for (std::size_t i = 0; i < convs_.size(); ++i) {
      map = norms_[i]->forward(convs_[i]->forward(map));
      if (i + 1 < convs_.size()) map = map.relu_();
    }
    return map.add_(downsample_.is_empty() ? input : downsample_->forward(input)).relu_();
  }

 private:
  void add_layer(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride) {
    const std::string index = std::to_string(convs_.size() + 1);
    convs_.push_back(register_module("conv" + index, conv2d(in, out, kernel, stride)));
    norms_.push_back(register_module("bn" + index, nn::BatchNorm2d(out)));
  }

  std::vector<nn::Conv2d> convs_;
  std::vector<nn::BatchNorm2d> norms_;
  nn::Sequential downsample_{nullptr};
};

// Video of T frames: each frame is seen alone, and the maps of the frames stand beside each other in time; embedding
// and tokens run over all of them. With T = 1 it is the image network.
class ResNet : public Model {
 public:
  ResNet(bool bottleneck, std::array<std::int64_t, 4> depths, const ModelConfig& config)
      : classes_(config.classes), expansion_(bottleneck ? 4 : 1) {
    conv1_ = register_module("conv1", conv2d(3, 64, 7, 2));
    bn1_ = register_module("bn1", nn::BatchNorm2d(64));
    std::int64_t in = 64;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::int64_t width = std::int64_t{64} << i;
      nn::Sequential layer;
      for (std::int64_t block = 0; block < depths[i]; ++block) {
        layer->push_back(ResidualBlock(bottleneck, in, width, block == 0 && i > 0 ? 2 : 1));
        in = width * expansion_;
      }
      layers_.push_back(register_module("layer" + std::to_string(i + 1), layer));
    }
    fc_ = register_module("fc", nn::Linear(in, classes_));
    const at::Tensor weight =
        fc_->weight.detach().clone();  // torchvision keeps the linear layer's own initialisation here
    const at::Tensor bias = fc_->bias.detach().clone();
    initialise(*this);
    const at::NoGradGuard no_grad;
    fc_->weight.copy_(weight);
    fc_->bias.copy_(bias);
  }

  ModelOutput forward(const at::Tensor& input, const OutputRequest& request) override {
    const std::int64_t frames = input.size(2);
    const auto unfold = [&](const at::Tensor& map) {  // [B·T, C, H, W] -> [B, C, T, H, W]
      return map.unflatten(0, {input.size(0), frames}).transpose(1, 2);
    };
    ModelOutput output;
    at::Tensor map = bn1_->forward(conv1_->forward(input.transpose(1, 2).flatten(0, 1))).relu_();
    map = at::max_pool2d(map, {3, 3}, {2, 2}, {1, 1});
    for (auto& layer : layers_) {
      map = layer->forward(map);
      if (request.stages) output.stages.push_back(unfold(map));
    }
    const at::Tensor video_map = unfold(map);
    if (request.tokens) output.tokens = tokens_of(video_map);
    output.embedding = pooled(video_map);
    output.logits = fc_->forward(output.embedding);
    return output;
  }

  [[nodiscard]] ParameterPlace place_of(const std::string& parameter) const override {
    return place_in_stages(parameter, "layer", 4);
  }

  [[nodiscard]] ModelShape shape() const override {
    const std::int64_t e = expansion_;
    return {Modality::kVideo, classes_, 512 * e, 512 * e, {64 * e, 128 * e, 256 * e, 512 * e}};
  }

 private:
  std::int64_t classes_;
  std::int64_t expansion_;
  nn::Conv2d conv1_{nullptr};
  nn::BatchNorm2d bn1_{nullptr};
  std::vector<nn::Sequential> layers_;
  nn::Linear fc_{nullptr};
};

ModelInfo resnet_info(const std::string& depth, const std::string& doc, bool bottleneck,
                      std::array<std::int64_t, 4> depths) {
  ModelInfo info;
  info.id = "resnet" + depth;
  info.title = "ResNet-" + depth;
  info.source = "He et al. 2016, arXiv 1512.03385; torchvision's resnet" + depth;
  info.modality = Modality::kVideo;
  info.doc = doc + " Frames of a clip are seen one by one and averaged.";
  info.make = [=](const ModelConfig& config) -> std::shared_ptr<Model> {
    return std::make_shared<ResNet>(bottleneck, depths, config);
  };
  return info;
}

const ModelRegistration resnet18{resnet_info("18", "18 layers, 512 wide.", false, {2, 2, 2, 2})};
const ModelRegistration resnet34{resnet_info("34", "34 layers, 512 wide.", false, {3, 4, 6, 3})};
const ModelRegistration resnet50{resnet_info("50", "50 layers of bottlenecks, 2048 wide.", true, {3, 4, 6, 3})};

}  // namespace

}  // namespace cmkd::models
