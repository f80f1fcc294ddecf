// Backbones with their classification heads, by name.
#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cmkd/core/parameters.h"
#include "cmkd/core/registry.h"
#include "cmkd/runtime/batch.h"

namespace cmkd {

// Outputs beyond logits and embedding, which are always given.
struct OutputRequest {
  bool tokens = false;
  bool stages = false;
};

// Widths that methods build their own modules from.
struct ModelShape {
  Modality modality = Modality::kVideo;
  std::int64_t classes = 0;
  std::int64_t embedding_width = 0;
  std::int64_t token_width = 0;
  std::vector<std::int64_t> stage_channels;  // shallow to deep
};

struct ParameterPlace {
  std::int64_t layer = 0;
  std::int64_t layers = 1;  // of the network
  bool decays = true;       // false: class tokens and positions, which weight decay would only wipe out
};

// A network on one modality. Not thread-safe.
class Model : public torch::nn::Module {
 public:
  // video [B, 3, T, H, W] float normalised, or audio [B, n] float: mono samples, or a published feature's values.
  virtual ModelOutput forward(const at::Tensor& input, const OutputRequest& request = {}) = 0;
  [[nodiscard]] virtual ModelShape shape() const = 0;
  // [B, embedding_width] -> logits [B, classes], as forward makes them of its own embedding: for methods that change an
  // embedding on its way to the classifier. By default the linear child "fc"; throws Error(kUsage) where there is none.
  [[nodiscard]] virtual at::Tensor classify(const at::Tensor& embedding);
  // Where a parameter stands between input (layer 0) and classifier (the last layer), by its name: for learning rates
  // that fall from layer to layer. By default the network is one layer.
  [[nodiscard]] virtual ParameterPlace place_of(const std::string& /*parameter*/) const { return {}; }
};

// What a suite fixes about the input and the output.
struct ModelConfig {
  std::int64_t classes = 0;
  std::int64_t frames = 1;  // video: frames a clip
  std::int64_t height = 0;  // video: after the crop
  std::int64_t width = 0;
  std::int64_t sample_rate = 0;  // audio: Hz
  std::int64_t samples = 0;      // audio: samples a window, or values of a feature
  Parameters parameters;         // of the model, from the suite file
};

struct ModelInfo {
  std::string id;      // "r2plus1d_18"
  std::string title;   // "R(2+1)D-18"
  std::string source;  // paper, arXiv number
  Modality modality = Modality::kVideo;
  std::string doc;  // two sentences: what it is, what it is for
  std::vector<ParameterSpec> parameters;
  // Builds the module with LibTorch's initialisers (seed the global generator with ScopedSeed before). Throws
  // Error(kUsage) for an input that the model cannot take, saying what it can.
  std::function<std::shared_ptr<Model>(const ModelConfig&)> make;
  bool takes_features = false;  // audio: the input is a published feature, not a waveform
};

[[nodiscard]] Registry<ModelInfo>& model_registry();

// Makes a namespace-scope registration: `const ModelRegistration registration{ModelInfo{…}};`
struct ModelRegistration {
  explicit ModelRegistration(ModelInfo info);
};

}  // namespace cmkd
