// A published feature as a network: what it says of the clip is given, only the classifier on it is learned.
#include <fmt/format.h>
#include <torch/nn/modules/linear.h>

#include "blocks.h"
#include "cmkd/core/error.h"
#include "cmkd/models/model.h"

namespace cmkd::models {

namespace {

namespace nn = torch::nn;

class Features : public Model {
 public:
  explicit Features(const ModelConfig& config)
      : classes_(config.classes),
        tokens_(config.parameters.integer("tokens")),
        width_(config.samples / config.parameters.integer("tokens")) {
    fc_ = register_module("fc", nn::Linear(width_, classes_));
    initialise(*this);
  }

  // input [B, tokens * D] -> embedding [B, D], the tokens' mean.
  ModelOutput forward(const at::Tensor& input, const OutputRequest& request) override {
    ModelOutput output;
    const at::Tensor tokens = input.view({input.size(0), tokens_, width_});
    if (request.tokens) output.tokens = tokens;
    output.embedding = tokens_ == 1 ? tokens.squeeze(1) : tokens.mean(1);
    output.logits = fc_->forward(output.embedding);
    return output;
  }

  [[nodiscard]] ModelShape shape() const override { return {Modality::kAudio, classes_, width_, width_, {}}; }

 private:
  std::int64_t classes_;
  std::int64_t tokens_;
  std::int64_t width_;
  nn::Linear fc_{nullptr};
};

ModelInfo info() {
  ModelInfo info;
  info.id = "features";
  info.title = "features of the sound with a linear classifier";
  info.source = "linear probe of published features, as MNF+CSC (arXiv 2304.07775) takes its teacher";
  info.modality = Modality::kAudio;
  info.doc =
      "The embedding is the feature that was published for the clip (ingest.audio_form = \"features\"); a linear layer "
      "on "
      "it is trained for the logits. It has no maps, so that methods of maps refuse it.";
  info.parameters = {ParameterSpec::integer(
      "tokens", 1, 1, 4096, "pieces in time of an array [tokens, D], row after row; the embedding is their mean")};
  info.takes_features = true;
  info.make = [](const ModelConfig& config) -> std::shared_ptr<Model> {
    const std::int64_t tokens = config.parameters.integer("tokens");
    if (config.samples < tokens || config.samples % tokens != 0) {
      throw Error(ErrorKind::kUsage,
                  {.what = fmt::format("features: {} values cannot be {} tokens of one width", config.samples, tokens),
                   .allowed = "a divisor of ingest.feature_values",
                   .fix = "set the model's tokens to the array's first dimension"});
    }
    return std::make_shared<Features>(config);
  };
  return info;
}

const ModelRegistration features_registration{info()};

}  // namespace

}  // namespace cmkd::models
