// The networks of XKD as models of their own: students and teachers of every supervised method.
#include <ATen/Functions.h>
#include <fmt/format.h>
#include <torch/nn.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/models/log_mel.h"
#include "cmkd/models/model.h"
#include "cmkd/models/vit.h"
#include "cmkd/models/vit_model.h"

namespace cmkd::models {

namespace {

// Four stages, or fewer in a shallow network: the outputs of blocks at equal distances, the last one normalised.
std::vector<std::size_t> stage_ends(std::int64_t depth) {
  const auto blocks = static_cast<std::size_t>(depth);
  const std::size_t stages = std::min<std::size_t>(4, blocks);
  std::vector<std::size_t> ends;
  for (std::size_t i = 1; i <= stages; ++i) ends.push_back(i * blocks / stages - 1);
  return ends;
}

// As BEiT and MAE count for their rates: embeddings 0, block i of the encoder i + 1, norm and classifier with what
// would be the next block.
ParameterPlace place_in_vit(const std::string& parameter, std::int64_t depth) {
  static const std::string kBlocks = "encoder.blocks.";
  const std::int64_t layers = depth + 2;
  if (parameter == "cls_token" || parameter == "enc_pos_embed") return {0, layers, /*decays=*/false};
  if (parameter.starts_with("cuboid_embed.") || parameter.starts_with("patch_embed.")) return {0, layers};
  if (parameter.starts_with(kBlocks)) return {1 + std::stoll(parameter.substr(kBlocks.size())), layers};
  return {layers - 1, layers};
}

// Embedding: the mean over patches (XKD's evaluation); the class token is left out, of tokens, too.
class VitClassifier : public VitModel {
 public:
  VitClassifier(const VitOptions& options, std::int64_t classes, std::shared_ptr<LogMel> log_mel)
      : layers_(*this, options), classes_(classes), log_mel_(std::move(log_mel)) {
    if (log_mel_) register_module("log_mel", log_mel_);
    fc_ = register_module("fc", torch::nn::Linear(options.encoder.width, classes));
    torch::nn::init::normal_(fc_->weight, 0.0, 0.02);
    torch::nn::init::zeros_(fc_->bias);
  }

  ModelOutput forward(const at::Tensor& input, const OutputRequest& request) override {
    const at::Tensor x = backbone_input(input);
    const std::vector<std::int64_t> grid = patch_grid_of(x, layers_.options().patch);
    std::vector<at::Tensor> blocks;
    if (request.stages) {
      blocks = layers_.encoder()->outputs(layers_.embed(x));
    } else {
      blocks = {layers_.encoder()->forward(layers_.embed(x))};
    }
    blocks.back() = layers_.normalise(blocks.back());
    ModelOutput output;
    const at::Tensor tokens = without_class_token(blocks.back());
    if (request.stages) {
      for (const std::size_t end : stage_ends(layers_.options().encoder.depth))
        output.stages.push_back(without_class_token(blocks[end]).transpose(1, 2).unflatten(2, grid));
    }
    if (request.tokens) output.tokens = tokens;
    output.embedding = tokens.mean(1);
    output.logits = fc_->forward(output.embedding);
    return output;
  }

  [[nodiscard]] const VitOptions& vit_options() const override { return layers_.options(); }

  [[nodiscard]] at::Tensor backbone_input(const at::Tensor& input) override {
    return log_mel_ ? spectrogram(input) : input;
  }

  [[nodiscard]] TensorMap backbone_state() override {
    TensorMap state = state_of(*this);
    std::erase_if(state, [](const auto& entry) { return entry.first.starts_with("fc."); });
    return state;
  }

  [[nodiscard]] ParameterPlace place_of(const std::string& parameter) const override {
    return place_in_vit(parameter, layers_.options().encoder.depth);
  }

  [[nodiscard]] ModelShape shape() const override {
    const std::int64_t width = layers_.options().encoder.width;
    const std::size_t stages = stage_ends(layers_.options().encoder.depth).size();
    return {layers_.options().modality, classes_, width, width, std::vector<std::int64_t>(stages, width)};
  }

 private:
  // [B, n] -> [B, 1, F, T], with XKD's fixed mean and deviation; silence behind the end fills the last patch.
  at::Tensor spectrogram(const at::Tensor& waveform) {
    constexpr double kMean = -5.3688107;
    constexpr double kDeviation = 4.410007;
    const at::Tensor mel = (log_mel_->forward(waveform) - kMean) / kDeviation;
    const std::int64_t patch = layers_.options().patch[1];
    const std::int64_t missing = (patch - mel.size(2) % patch) % patch;
    const double silence = (std::log(LogMelOptions{}.log_eps) - kMean) / kDeviation;
    return at::constant_pad_nd(mel, {0, missing}, silence).unsqueeze(1);
  }

  VitLayers layers_;
  std::int64_t classes_;
  std::shared_ptr<LogMel> log_mel_;
  torch::nn::Linear fc_{nullptr};
};

ParameterSpec depth_parameter() { return ParameterSpec::integer("depth", 12, 1, 48, "transformer blocks"); }

std::shared_ptr<Model> make_video_vit(const std::string& size, const ModelConfig& config) {
  const std::int64_t side = config.parameters.integer("patch_size");
  VitOptions options{Modality::kVideo,
                     {config.frames, config.height, config.width},
                     {config.parameters.integer("patch_frames"), side, side},
                     vit_encoder(size)};
  options.encoder.depth = config.parameters.integer("depth");
  (void)options.patch_grid();  // refuses before anything is made
  return std::make_shared<VitClassifier>(options, config.classes, nullptr);
}

std::shared_ptr<Model> make_audio_vit(const std::string& size, const ModelConfig& config) {
  const Parameters& values = config.parameters;
  LogMelOptions mel;
  mel.sample_rate = config.sample_rate;
  mel.n_fft = values.integer("n_fft");
  mel.hop_length = values.integer("hop_length");
  mel.n_mels = values.integer("n_mels");
  const std::int64_t patch = values.integer("patch_frames");
  const std::int64_t frames = 1 + (config.samples - mel.n_fft % 2) / mel.hop_length;  // centred windows
  VitOptions options{Modality::kAudio,
                     {mel.n_mels, (frames + patch - 1) / patch * patch},
                     {values.integer("patch_bands"), patch},
                     vit_encoder(size)};
  options.encoder.depth = values.integer("depth");
  (void)options.patch_grid();
  return std::make_shared<VitClassifier>(options, config.classes, std::make_shared<LogMel>(mel));
}

std::string size_text(const std::string& size) {
  const TransformerOptions encoder = vit_encoder(size);
  return fmt::format("{} wide, {} heads, 12 blocks", encoder.width, encoder.heads);
}

const char* const kVitSource = "Sarkar and Etemad 2022 (XKD), arXiv 2211.13929; after Dosovitskiy et al. 2021";

ModelInfo describe_video_vit(const std::string& size) {
  return {"video_vit_" + size,
          "video ViT, " + size,
          kVitSource,
          Modality::kVideo,
          "A transformer on cuboids of a clip, " + size_text(size) +
              ". XKD's video network: its official weights load; the classifier reads the mean over patches.",
          {ParameterSpec::integer("patch_frames", 4, 1, 64, "frames of a patch; divides the clip's", "frames"),
           ParameterSpec::integer("patch_size", 16, 1, 64, "height and width of a patch; divides the picture's", "px"),
           depth_parameter()},
          [size](const ModelConfig& config) { return make_video_vit(size, config); }};
}

ModelInfo describe_audio_vit(const std::string& size) {
  return {
      "audio_vit_" + size,
      "audio ViT, " + size,
      kVitSource,
      Modality::kAudio,
      "A transformer on patches of a log-mel spectrogram, " + size_text(size) +
          ". XKD's audio network: its official weights load; the classifier reads the mean over patches.",
      {ParameterSpec::integer("n_fft", 1024, 32, 8192, "window length", "samples"),
       ParameterSpec::integer("hop_length", 143, 8, 8192, "step between frames", "samples"),
       ParameterSpec::integer("n_mels", 80, 8, 512, "mel bands from 0 Hz to half the sample rate"),
       ParameterSpec::integer("patch_bands", 4, 1, 64, "mel bands of a patch; divides n_mels"),
       ParameterSpec::integer("patch_frames", 16, 1, 64, "spectrogram frames of a patch", "frames"), depth_parameter()},
      [size](const ModelConfig& config) { return make_audio_vit(size, config); }};
}

const ModelRegistration video_vit_tiny{describe_video_vit("tiny")};
const ModelRegistration video_vit_small{describe_video_vit("small")};
const ModelRegistration video_vit_base{describe_video_vit("base")};
const ModelRegistration audio_vit_tiny{describe_audio_vit("tiny")};
const ModelRegistration audio_vit_small{describe_audio_vit("small")};
const ModelRegistration audio_vit_base{describe_audio_vit("base")};

}  // namespace

}  // namespace cmkd::models
