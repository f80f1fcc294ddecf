#include "catch.h"
// Catch first: c10 and Catch2 both define CHECK.
#include <ATen/Functions.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/models/load_weights.h"
#include "cmkd/runtime/determinism.h"
#include "paths.h"

namespace {

using namespace cmkd;
using nlohmann::json;

std::shared_ptr<Model> make_loaded(const std::string& id, std::int64_t classes, std::uint64_t seed = 1) {
  ModelConfig config;
  config.classes = classes;
  config.frames = id == "image_cnn" ? 1 : 8;
  config.height = config.width = 32;
  config.sample_rate = config.samples = 8000;
  config.parameters = Parameters(model_registry().get(id).parameters);
  const ScopedSeed guard(seed);
  return model_registry().get(id).make(config);
}

WeightFile file_of(TensorMap tensors) {
  WeightFile file;
  file.path = "given.pth";
  file.tensors = std::move(tensors);
  return file;
}

// Copies, so that a model loaded into does not change them.
TensorMap copies(const Model& model, const std::string& prefix = "") {
  TensorMap tensors;
  for (const auto& [name, tensor] : state_of(model)) tensors.emplace(prefix + name, tensor.clone());
  return tensors;
}

// State dict names and shapes of torchvision's network of this name, from the vectors that torchvision wrote.
TensorMap torchvision_state(const std::string& id) {
  const json vector = json::parse(read_file(test::vectors_dir() / "backbones" / (id + ".json")));
  TensorMap tensors;
  double value = 0;
  for (const json& entry : vector.at("state_dict")) {
    const auto shape = entry[1].get<std::vector<std::int64_t>>();
    const auto type = shape.empty() ? at::kLong : at::kFloat;
    tensors.emplace(entry[0].get<std::string>(), at::full(shape, ++value, type));
  }
  return tensors;
}

}  // namespace

TEST_CASE("a torchvision state dict loads into the backbone of the same name, every tensor under its own name") {
  for (const std::string id : {"resnet18", "resnet34", "resnet50", "r2plus1d_18", "r3d_18"}) {
    INFO(id);
    const TensorMap given = torchvision_state(id);
    const auto model = make_loaded(id, given.at("fc.bias").size(0));
    const WeightsReport report = load_weights(*model, file_of(given));
    CHECK(report.complete());
    CHECK(report.matched.size() == given.size());
    for (const auto& [name, tensor] : state_of(*model)) {
      INFO(name);
      CHECK(at::equal(tensor, given.at(name)));
    }
  }
}

TEST_CASE("the model's outputs are those of the model that the weights came from") {
  const auto source = make_loaded("r2plus1d_small", 4, 1);
  const auto target = make_loaded("r2plus1d_small", 4, 2);
  source->eval();
  target->eval();
  const at::Tensor input = at::linspace(-1, 1, 2 * 3 * 8 * 1024).view({2, 3, 8, 32, 32}).sin();
  CHECK_FALSE(at::equal(source->forward(input).logits, target->forward(input).logits));
  (void)load_weights(*target, file_of(copies(*source)));
  CHECK(at::equal(source->forward(input).logits, target->forward(input).logits));
}

TEST_CASE("auto removes the prefix with which most tensors fit, whatever its depth, and names what is left over") {
  const auto source = make_loaded("image_cnn", 4, 1);
  const auto target = make_loaded("image_cnn", 4, 2);
  for (const std::string prefix : {"module.", "_orig_mod.", "_orig_mod.module.", "a.b.c.d."}) {
    CHECK(load_weights(*target, file_of(copies(*source, prefix))).prefix == prefix);
  }
  TensorMap mixed = copies(*source, "backbone.");
  mixed.emplace("projector.weight", at::zeros({2}));
  const WeightsReport report = load_weights(*target, file_of(mixed));
  CHECK(report.complete());
  CHECK(report.prefix == "backbone.");
  CHECK(report.left_out == std::vector<std::string>{"projector.weight"});
  CHECK(at::equal(state_of(*target).at("fc.weight"), state_of(*source).at("fc.weight")));
}

TEST_CASE("a prefix that was given is kept; when another would fit, the error names it") {
  const auto source = make_loaded("image_cnn", 4, 1);
  const auto target = make_loaded("image_cnn", 4, 2);
  LoadOptions options;
  options.prefix = "";
  CHECK_THROWS_WITH(load_weights(*target, file_of(copies(*source, "backbone.")), options),
                    message_contains("name the prefix: 'backbone.'") &&
                        message_contains("better: prefix 'backbone.', with which 20 tensors fit"));
  options.prefix = "backbone";  // whole parts of names: the dot is understood
  CHECK(load_weights(*target, file_of(copies(*source, "backbone.")), options).prefix == "backbone.");
  options.prefix = "back";
  CHECK_THROWS_AS(load_weights(*target, file_of(copies(*source, "backbone.")), options), Error);
}

TEST_CASE("a prefix fits by name and shape, and ties are decided by rule") {
  const auto source = make_loaded("image_cnn", 4, 1);
  const auto target = make_loaded("image_cnn", 4, 2);
  const auto chosen = [&](const std::vector<std::string>& prefixes, const TensorMap& more = {}) {
    TensorMap tensors = more;
    for (const std::string& prefix : prefixes) tensors.merge(copies(*source, prefix));
    return compare_weights(*target, file_of(tensors)).prefix;
  };
  // Shape: the student has another number of classes.
  TensorMap other_head = copies(*make_loaded("image_cnn", 7, 3), "student.");
  CHECK(chosen({"teacher."}, other_head) == "teacher.");
  // Without a word of an average, although the alphabet speaks for it.
  CHECK(chosen({"ema.", "model."}) == "model.");
  CHECK(chosen({"module.encoder_k.", "module.encoder_q."}) == "module.encoder_q.");
  // Nothing to remove comes before a copy, although names are then unexpected.
  CHECK(chosen({"", "momentum."}) == "");
  // Fewest names behind it that the model has not.
  CHECK(chosen({"a.", "b."}, {{"a.layer9.weight", at::zeros({1})}}) == "b.");
  // Fewest parts, then the shortest, then the alphabet.
  CHECK(chosen({"a.b.", "net."}) == "net.");
  CHECK(chosen({"online.", "net."}) == "net.");
  CHECK(chosen({"net.", "abc."}) == "abc.");
  // A part of a word is no word: "schema" has no average.
  CHECK(chosen({"schema.", "zoo_net."}) == "schema.");
}

TEST_CASE(
    "weights that are not finite are refused with the tensor and the count, also where partial loading is allowed") {
  const auto source = make_loaded("image_cnn", 4, 1);
  const auto target = make_loaded("image_cnn", 4, 2);
  const std::string before = fingerprint(copies(*target));
  const auto damaged = [&](const std::string& name, const at::Tensor& value) {
    TensorMap tensors = copies(*source);
    tensors[name] = value;
    return file_of(tensors);
  };
  LoadOptions partial;
  partial.allow_partial = true;
  at::Tensor variance = at::ones({16});
  variance[3] = std::numeric_limits<float>::infinity();
  variance[5] = std::numeric_limits<float>::quiet_NaN();
  for (const LoadOptions& options : {LoadOptions{}, partial}) {
    CHECK_THROWS_WITH(load_weights(*target, damaged("stage1.1.running_var", variance), options),
                      message_contains("not finite: 2 NaN or infinite values, in 1 tensor") &&
                          message_contains("2 of 16 values of stage1.1.running_var"));
  }
  // Finite in the file, beyond the range of float32 in the model.
  CHECK_THROWS_WITH(load_weights(*target, damaged("fc.bias", at::full({4}, 1e300, at::kDouble))),
                    message_contains("4 of 4 values of fc.bias"));
  CHECK(fingerprint(copies(*target)) == before);
  // What is not loaded may be anything.
  LoadOptions skip;
  skip.classifier = ClassifierWeights::kSkip;
  CHECK_NOTHROW(load_weights(*target, damaged("fc.bias", at::full({4}, NAN)), skip));
}

TEST_CASE("the head of another number of classes is an error that names the setting, and can be skipped") {
  const auto source = make_loaded("image_cnn", 10, 1);
  const auto target = make_loaded("image_cnn", 4, 2);
  const TensorMap before = copies(*target);
  CHECK_THROWS_WITH(load_weights(*target, file_of(copies(*source))),
                    message_contains("fc.weight is [10, 64] in the file, [4, 64] in the model") &&
                        message_contains("classifier = skip"));
  CHECK(fingerprint(copies(*target)) == fingerprint(before));  // a refused file changes nothing
  LoadOptions options;
  options.classifier = ClassifierWeights::kSkip;
  const WeightsReport report = load_weights(*target, file_of(copies(*source)), options);
  CHECK(report.skipped == std::vector<std::string>{"fc.bias", "fc.weight"});
  const TensorMap after = state_of(*target);
  CHECK(at::equal(after.at("fc.weight"), before.at("fc.weight")));
  CHECK(at::equal(after.at("stage1.0.weight"), state_of(*source).at("stage1.0.weight")));
}

TEST_CASE("what is missing, unexpected or of another shape is an error, unless partial loading is allowed") {
  const auto source = make_loaded("image_cnn", 4, 1);
  const auto target = make_loaded("image_cnn", 4, 2);
  TensorMap given = copies(*source);
  given.erase("stage2.0.weight");
  given["stage3.0.weight"] = at::zeros({1});
  given.emplace("extra.weight", at::zeros({3}));
  CHECK_THROWS_WITH(load_weights(*target, file_of(given)),
                    message_contains("missing (1): stage2.0.weight") &&
                        message_contains("unexpected (1): extra.weight") &&
                        message_contains("another shape: stage3.0.weight is [1] in the file"));
  LoadOptions options;
  options.allow_partial = true;
  const WeightsReport report = load_weights(*target, file_of(given), options);
  CHECK_FALSE(report.complete());
  CHECK(report.matched.size() == given.size() - 2);
  CHECK(at::equal(state_of(*target).at("fc.weight"), state_of(*source).at("fc.weight")));
  CHECK_THROWS_WITH(load_weights(*target, file_of({{"other", at::zeros({2})}}), options),
                    message_contains("no tensor of the file fits"));
}

TEST_CASE("counters of batch norm may be absent: files of before PyTorch 0.4.1 have none") {
  const auto source = make_loaded("image_cnn", 4, 1);
  TensorMap given = copies(*source);
  std::erase_if(given, [](const auto& item) { return item.first.ends_with("num_batches_tracked"); });
  const auto target = make_loaded("image_cnn", 4, 2);
  const WeightsReport report = load_weights(*target, file_of(given));
  CHECK(report.complete());
  CHECK(report.missing_counters.size() == 3);
}

TEST_CASE("a first convolution on three channels is summed to one only when that is asked for") {
  const auto target = make_loaded("audio_cnn", 4);
  TensorMap given = copies(*target);
  const at::Tensor colour = at::arange(given.at("stage1.0.weight").numel() * 3, at::kFloat);
  given["stage1.0.weight"] = colour.view({-1, 3, 3, 3});
  CHECK_THROWS_AS(load_weights(*target, file_of(given)), Error);
  LoadOptions options;
  options.first_conv = FirstConvWeights::kSum;
  const WeightsReport report = load_weights(*target, file_of(given), options);
  CHECK(report.summed == std::vector<std::string>{"stage1.0.weight"});
  // Filter 0, row 0, column 0: channels 0, 9 and 18.
  CHECK(state_of(*target).at("stage1.0.weight").flatten()[0].item<float>() == 27.0F);
}

TEST_CASE("half precision is widened exactly") {
  const auto source = make_loaded("image_cnn", 4, 1);
  const auto target = make_loaded("image_cnn", 4, 2);
  TensorMap given;
  for (const auto& [name, tensor] : state_of(*source)) given.emplace(name, tensor.to(at::kHalf));
  (void)load_weights(*target, file_of(given));
  CHECK(state_of(*target).at("fc.weight").scalar_type() == at::kFloat);
  CHECK(at::equal(state_of(*target).at("fc.weight"), given.at("fc.weight").to(at::kFloat)));
}
