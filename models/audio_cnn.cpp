// A log-mel audio CNN: the teacher that hears, or the student.
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include "blocks.h"
#include "cmkd/core/error.h"
#include "cmkd/models/log_mel.h"
#include "cmkd/models/model.h"

namespace cmkd::models {

namespace {

namespace nn = torch::nn;

LogMelOptions log_mel_options(const ModelConfig& config) {
  LogMelOptions options;
  options.sample_rate = config.sample_rate;
  options.n_fft = config.parameters.integer("n_fft");
  options.hop_length = config.parameters.integer("hop_length");
  options.n_mels = config.parameters.integer("n_mels");
  return options;
}

class AudioCnn : public Model {
 public:
  explicit AudioCnn(const ModelConfig& config) : classes_(config.classes), width_(config.parameters.integer("width")) {
    channels_ = {width_ / 4, width_ / 2, width_, width_};
    log_mel_ = register_module("log_mel", std::make_shared<LogMel>(log_mel_options(config)));
    // Normalises each mel bin over batch and time: loudness and colour of the recording.
    input_norm_ = register_module("input_norm", nn::BatchNorm1d(config.parameters.integer("n_mels")));
    std::int64_t in = 1;
    for (std::size_t i = 0; i < channels_.size(); ++i) {
      const std::int64_t stride = i + 1 < channels_.size() ? 2 : 1;
      stages_.push_back(register_module("stage" + std::to_string(i + 1), conv2d_bn_relu(in, channels_[i], 3, stride)));
      in = channels_[i];
    }
    fc_ = register_module("fc", nn::Linear(width_, classes_));
    initialise(*this);
  }

  ModelOutput forward(const at::Tensor& input, const OutputRequest& request) override {
    ModelOutput output;
    at::Tensor map = input_norm_->forward(log_mel_->forward(input)).unsqueeze(1);  // [B, 1, F, T]
    for (auto& stage : stages_) {
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

  [[nodiscard]] ModelShape shape() const override { return {Modality::kAudio, classes_, width_, width_, channels_}; }

 private:
  std::int64_t classes_;
  std::int64_t width_;
  std::vector<std::int64_t> channels_;
  std::shared_ptr<LogMel> log_mel_;
  nn::BatchNorm1d input_norm_{nullptr};
  std::vector<nn::Sequential> stages_;
  nn::Linear fc_{nullptr};
};

const ModelRegistration audio_cnn_registration{ModelInfo{
    "audio_cnn",
    "log-mel audio CNN",
    "plain convolutional network on a log-mel spectrogram (this project)",
    Modality::kAudio,
    "Four 3 x 3 convolutions on a batch-normalised log-mel spectrogram, about 60,000 parameters at width 64. "
    "For short sounds on a CPU.",
    {ParameterSpec::integer("width", 64, 8, 1024, "channels of the last stages and of the embedding"),
     ParameterSpec::integer("n_fft", 512, 32, 8192, "window length", "samples"),
     ParameterSpec::integer("hop_length", 160, 8, 8192, "step between frames", "samples"),
     ParameterSpec::integer("n_mels", 64, 8, 512, "mel bands from 0 Hz to half the sample rate")},
    [](const ModelConfig& config) -> std::shared_ptr<Model> {
      if (config.parameters.integer("width") % 4 != 0) {
        throw Error(ErrorKind::kUsage, {.what = "audio_cnn: width is not a multiple of 4", .allowed = "8, 12, 16, …"});
      }
      return std::make_shared<AudioCnn>(config);
    }}};

}  // namespace

}  // namespace cmkd::models
