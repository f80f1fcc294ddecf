#include "catch.h"
// Catch first: c10 and Catch2 both define CHECK.
#include <ATen/Functions.h>

#include "cmkd/core/error.h"
#include "cmkd/models/model.h"
#include "cmkd/runtime/determinism.h"
#include "cmkd/runtime/tensors.h"

namespace {

using namespace cmkd;

ModelConfig small_config(const std::string& id) {
  ModelConfig config;
  config.classes = 10;
  config.frames = id == "image_cnn" ? 1 : 8;
  config.height = config.width = 32;
  config.sample_rate = 8000;
  config.samples = 8000;
  config.parameters = Parameters(model_registry().get(id).parameters);
  return config;
}

std::shared_ptr<Model> make_small(const std::string& id, std::uint64_t seed) {
  const ScopedSeed guard(seed);
  return model_registry().get(id).make(small_config(id));
}

at::Tensor input_for(const std::string& id, std::int64_t batch) {
  const ModelConfig config = small_config(id);
  if (model_registry().get(id).modality == Modality::kAudio)
    return at::linspace(-1, 1, batch * 8000).view({batch, 8000}).sin();
  return at::linspace(-1, 1, batch * 3 * config.frames * 1024).view({batch, 3, config.frames, 32, 32}).sin();
}

const std::vector<std::string> kSmall{"r2plus1d_small", "audio_cnn", "image_cnn", "video_vit_tiny", "audio_vit_tiny"};

}  // namespace

TEST_CASE("a small model's outputs have the shapes that it declares") {
  for (const std::string& id : kSmall) {
    INFO(id);
    const auto model = make_small(id, 1);
    const ModelShape shape = model->shape();
    const ModelOutput output = model->forward(input_for(id, 4), {true, true});
    CHECK(output.logits.sizes() == at::IntArrayRef({4, shape.classes}));
    CHECK(output.embedding.sizes() == at::IntArrayRef({4, shape.embedding_width}));
    CHECK(output.tokens.size(2) == shape.token_width);
    REQUIRE(output.stages.size() == shape.stage_channels.size());
    for (std::size_t i = 0; i < output.stages.size(); ++i) CHECK(output.stages[i].size(1) == shape.stage_channels[i]);
    CHECK(at::allclose(output.tokens.mean(1), output.embedding, 1e-4, 1e-5));
    // What methods that change an embedding or the channels of the last map on their way to the classifier rest on.
    CHECK(at::equal(model->classify(output.embedding), output.logits));
    CHECK(output.stages.back().size(1) == shape.embedding_width);
    CHECK(at::allclose(output.stages.back().flatten(2).mean(2), output.embedding, 1e-4, 1e-5));
  }
}

TEST_CASE("a network without a classifier 'fc' says so when an embedding is to be classified") {
  class Headless final : public Model {
   public:
    ModelOutput forward(const at::Tensor& /*input*/, const OutputRequest& /*request*/) override { return {}; }
    [[nodiscard]] ModelShape shape() const override { return {}; }
  };
  CHECK_THROWS_WITH(Headless().classify(at::ones({1, 2})), message_contains("Model::classify"));
}

TEST_CASE("a model of published features gives the feature itself, and learns only the classifier") {
  const ModelInfo& info = model_registry().get("features");
  CHECK(info.takes_features);
  ModelConfig config;
  config.classes = 7;
  config.samples = 12;
  config.parameters = Parameters(info.parameters);
  const at::Tensor input = at::linspace(-1, 2, 24).view({2, 12});
  const auto whole = info.make(config);
  CHECK(at::equal(whole->forward(input).embedding, input));
  CHECK(whole->shape().embedding_width == 12);
  CHECK(whole->shape().stage_channels.empty());
  CHECK(whole->parameters().size() == 2);
  config.parameters.set("tokens", std::int64_t{3});
  const auto pieces = info.make(config);
  const ModelOutput output = pieces->forward(input, {true, true});
  CHECK(at::equal(output.tokens, input.view({2, 3, 4})));
  CHECK(at::allclose(output.embedding, input.view({2, 3, 4}).mean(1)));
  CHECK(output.logits.sizes() == at::IntArrayRef({2, 7}));
  CHECK(output.stages.empty());
  config.parameters.set("tokens", std::int64_t{5});
  CHECK_THROWS_AS(info.make(config), Error);
}

TEST_CASE("a video model with frames keeps time: reversed clips look different to it") {
  const auto model = make_small("r2plus1d_small", 1);
  model->eval();
  const at::Tensor clip = at::linspace(-1, 1, 3 * 8 * 1024).view({1, 3, 8, 32, 32}).sin();
  const at::Tensor forward = model->forward(clip).embedding;
  const at::Tensor backward = model->forward(clip.flip({2})).embedding;
  CHECK_FALSE(at::allclose(forward, backward, 1e-3, 1e-4));
}

TEST_CASE("every parameter of a small model gets a gradient") {
  for (const std::string& id : kSmall) {
    INFO(id);
    const auto model = make_small(id, 2);
    model->forward(input_for(id, 3)).logits.square().sum().backward();
    const auto parameters = unique_parameters(*model);
    CHECK(parameters.size() == model->parameters().size());
    for (const at::Tensor& parameter : parameters) CHECK(parameter.grad().defined());
  }
}

TEST_CASE(
    "the same seed gives the same first weights, another seed others, and the global generator is left as it was") {
  at::Tensor expected;
  {
    const ScopedSeed guard(9);
    (void)at::rand({4});
    expected = at::rand({4});
  }
  const ScopedSeed guard(9);
  (void)at::rand({4});
  for (const std::string& id : kSmall) {
    INFO(id);
    CHECK(fingerprint(state_of(*make_small(id, 3))) == fingerprint(state_of(*make_small(id, 3))));
    CHECK(fingerprint(state_of(*make_small(id, 3))) != fingerprint(state_of(*make_small(id, 4))));
  }
  CHECK(at::equal(at::rand({4}), expected));
}

TEST_CASE("a model for single frames refuses clips of several") {
  ModelConfig config = small_config("image_cnn");
  config.frames = 8;
  CHECK_THROWS_AS(model_registry().get("image_cnn").make(config), Error);
}
