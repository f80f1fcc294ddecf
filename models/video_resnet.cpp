// R(2+1)D-18 and R3D-18 (Tran et al. 2018, arXiv 1711.11248), with torchvision's layers, parameter names and
// initialisation.
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/linear.h>

#include <memory>

#include "blocks.h"
#include "cmkd/models/model.h"

namespace cmkd::models {

namespace {

namespace nn = torch::nn;

// A Sequential that may stand inside another one: its forward has plain types.
class ChainImpl : public nn::SequentialImpl {
 public:
  using nn::SequentialImpl::SequentialImpl;
  at::Tensor forward(const at::Tensor& input) { return nn::SequentialImpl::forward(input); }
};
TORCH_MODULE(Chain);

nn::Conv3d conv3d(std::int64_t in, std::int64_t out, std::array<std::int64_t, 3> kernel,
                  std::array<std::int64_t, 3> stride) {
  const std::array<std::int64_t, 3> padding{kernel[0] / 2, kernel[1] / 2, kernel[2] / 2};
  return nn::Conv3d(nn::Conv3dOptions(in, out, kernel).stride(stride).padding(padding).bias(false));
}

// Width between the spatial and the temporal convolution at which both together have as many parameters as a 3 x 3 x 3
// one.
std::int64_t middle_width(std::int64_t in, std::int64_t out) { return in * out * 27 / (in * 9 + 3 * out); }

// The block's convolution, batch norm and, for the first of the two, ReLU: entries 0, 1, 2 of "conv1" and "conv2".
nn::Sequential block_conv(bool factorised, std::int64_t in, std::int64_t out, std::int64_t middle, std::int64_t stride,
                          bool relu) {
  nn::Sequential layers;
  if (factorised) {
    layers->push_back(Chain(conv3d(in, middle, {1, 3, 3}, {1, stride, stride}), nn::BatchNorm3d(middle), nn::ReLU(true),
                            conv3d(middle, out, {3, 1, 1}, {stride, 1, 1})));
  } else {
    layers->push_back(conv3d(in, out, {3, 3, 3}, {stride, stride, stride}));
  }
  layers->push_back(nn::BatchNorm3d(out));
  if (relu) layers->push_back(nn::ReLU(true));
  return layers;
}

class BasicBlock : public nn::Module {
 public:
  BasicBlock(bool factorised, std::int64_t in, std::int64_t out, std::int64_t stride) {
    const std::int64_t middle = middle_width(in, out);
    conv1_ = register_module("conv1", block_conv(factorised, in, out, middle, stride, true));
    conv2_ = register_module("conv2", block_conv(factorised, out, out, middle, 1, false));
    if (stride != 1 || in != out) {
      downsample_ = register_module(
          "downsample", nn::Sequential(conv3d(in, out, {1, 1, 1}, {stride, stride, stride}), nn::BatchNorm3d(out)));
    }
  }

  at::Tensor forward(const at::Tensor& input) {
    const at::Tensor shortcut = downsample_.is_empty() ? input : downsample_->forward(input);
    return conv2_->forward(conv1_->forward(input)).add_(shortcut).relu_();
  }

 private:
  nn::Sequential conv1_{nullptr};
  nn::Sequential conv2_{nullptr};
  nn::Sequential downsample_{nullptr};
};

nn::Sequential make_stem(bool factorised) {
  if (!factorised) return nn::Sequential(conv3d(3, 64, {3, 7, 7}, {1, 2, 2}), nn::BatchNorm3d(64), nn::ReLU(true));
  // Made one after the other: the order of a call's arguments, and so of their random weights, is the compiler's. The
  // second first, as GCC has always had it.
  const nn::Conv3d in_time = conv3d(45, 64, {3, 1, 1}, {1, 1, 1});
  const nn::Conv3d in_space = conv3d(3, 45, {1, 7, 7}, {1, 2, 2});
  return nn::Sequential(in_space, nn::BatchNorm3d(45), nn::ReLU(true), in_time, nn::BatchNorm3d(64), nn::ReLU(true));
}

class VideoResNet18 : public Model {
 public:
  VideoResNet18(bool factorised, const ModelConfig& config) : classes_(config.classes) {
    stem_ = register_module("stem", make_stem(factorised));
    std::int64_t in = 64;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::int64_t out = std::int64_t{64} << i;
      nn::Sequential layer(BasicBlock(factorised, in, out, i == 0 ? 1 : 2), BasicBlock(factorised, out, out, 1));
      layers_.push_back(register_module("layer" + std::to_string(i + 1), layer));
      in = out;
    }
    fc_ = register_module("fc", nn::Linear(512, classes_));
    initialise(*this);
  }

  ModelOutput forward(const at::Tensor& input, const OutputRequest& request) override {
    ModelOutput output;
    at::Tensor map = stem_->forward(input);
    for (auto& layer : layers_) {
      map = layer->forward(map);
      if (request.stages) output.stages.push_back(map);
    }
    if (request.tokens) output.tokens = tokens_of(map);
    output.embedding = pooled(map);
    output.logits = fc_->forward(output.embedding);
    return output;
  }

  [[nodiscard]] ParameterPlace place_of(const std::string& parameter) const override {
    return place_in_stages(parameter, "layer", 4);
  }

  [[nodiscard]] ModelShape shape() const override {
    return {Modality::kVideo, classes_, 512, 512, {64, 128, 256, 512}};
  }

 private:
  std::int64_t classes_;
  nn::Sequential stem_{nullptr};
  std::vector<nn::Sequential> layers_;
  nn::Linear fc_{nullptr};
};

const ModelRegistration r2plus1d_18{ModelInfo{
    "r2plus1d_18",
    "R(2+1)D-18",
    "Tran et al. 2018, arXiv 1711.11248; torchvision's r2plus1d_18",
    Modality::kVideo,
    "The video network of MNF+CSC: 18 layers, 3-D convolutions factorised in space and time, 512 wide, 31.5 million "
    "parameters.",
    {},
    [](const ModelConfig& config) -> std::shared_ptr<Model> { return std::make_shared<VideoResNet18>(true, config); }}};

const ModelRegistration r3d_18{ModelInfo{"r3d_18",
                                         "R3D-18",
                                         "Tran et al. 2018, arXiv 1711.11248; torchvision's r3d_18",
                                         Modality::kVideo,
                                         "18 layers of 3 x 3 x 3 convolutions, 512 wide, 33.4 million parameters.",
                                         {},
                                         [](const ModelConfig& config) -> std::shared_ptr<Model> {
                                           return std::make_shared<VideoResNet18>(false, config);
                                         }}};

}  // namespace

}  // namespace cmkd::models
