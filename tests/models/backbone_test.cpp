// The backbones against torchvision's (tests/vectors/backbones): names, shapes, every stage, logits.
#include "catch.h"
// Catch first: c10 and Catch2 both define CHECK.
#include <ATen/Functions.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cmkd/core/file.h"
#include "cmkd/models/model.h"
#include "cmkd/runtime/tensors.h"
#include "paths.h"

namespace {

using namespace cmkd;
using nlohmann::json;

// The formula of vectors/README.md for element j of the entry `name`.
void fill(const std::string& name, at::Tensor tensor) {
  if (tensor.scalar_type() == at::kLong) {
    tensor.zero_();
    return;
  }
  int bytes = 0;
  for (const char c : name) bytes += static_cast<unsigned char>(c);
  at::Tensor v = (at::arange(tensor.numel(), at::kDouble) * 0.7 + static_cast<double>(bytes % 97)).sin();
  if (name.ends_with("running_var")) {
    v = v * 0.1 + 1;
  } else if (name.ends_with("running_mean") || name.ends_with("bias")) {
    v = v * 0.1;
  } else if (tensor.dim() == 1) {
    v = v * 0.1 + 1;
  } else {
    v = v * std::sqrt(3.0 / (static_cast<double>(tensor.numel()) / static_cast<double>(tensor.size(0))));
  }
  tensor.copy_(v.view(tensor.sizes()));
}

void check_close(double computed, double expected, double scale) {
  CHECK(std::abs(computed - expected) <= 1e-9 * std::max(std::abs(expected), scale));
}

void check_stage(const at::Tensor& output, const json& expected) {
  const at::Tensor map = output.contiguous();
  const double scale = map.abs().max().item<double>();
  REQUIRE(map.numel() == [&] {
    std::int64_t product = 1;
    for (const auto& size : expected.at("shape")) product *= size.get<std::int64_t>();
    return product;
  }());
  check_close(map.mean().item<double>(), expected.at("mean"), scale);
  check_close(map.std().item<double>(), expected.at("std"), scale);
  for (std::size_t i = 0; i < expected.at("first").size(); ++i) {
    check_close(map.view(-1)[static_cast<std::int64_t>(i)].item<double>(), expected.at("first")[i], scale);
  }
}

void check_backbone(const std::filesystem::path& file) {
  const json vector = json::parse(read_file(file));
  ModelConfig config;
  config.classes = static_cast<std::int64_t>(vector.at("logits")[0].size());
  const ModelInfo& info = model_registry().get(vector.at("model").get<std::string>());
  config.parameters = Parameters(info.parameters);
  const std::shared_ptr<Model> model = info.make(config);
  model->to(at::kDouble);
  model->eval();
  const TensorMap state = state_of(*model);
  REQUIRE(state.size() == vector.at("state_dict").size());
  const at::NoGradGuard no_grad;
  for (const json& entry : vector.at("state_dict")) {
    const std::string name = entry[0];
    INFO(name);
    REQUIRE(state.contains(name));
    REQUIRE(state.at(name).sizes().vec() == entry[1].get<std::vector<std::int64_t>>());
    fill(name, state.at(name));
  }
  std::int64_t parameters = 0;
  for (const at::Tensor& parameter : unique_parameters(*model)) parameters += parameter.numel();
  CHECK(parameters == vector.at("parameters").get<std::int64_t>());
  auto shape = vector.at("input_shape").get<std::vector<std::int64_t>>();
  std::int64_t elements = 1;
  for (const std::int64_t size : shape) elements *= size;
  at::Tensor input = (at::arange(elements, at::kDouble) * 0.05).cos().view(shape);
  if (input.dim() == 4) input = input.unsqueeze(2);
  const ModelOutput output = model->forward(input, {true, true});
  const json& stages = vector.at("stages");
  for (int i = 0; i < 4; ++i) {
    INFO("layer" << i + 1);
    check_stage(output.stages[static_cast<std::size_t>(i)], stages.at("layer" + std::to_string(i + 1)));
  }
  check_stage(output.embedding, stages.at("avgpool"));
  CHECK(at::allclose(output.tokens.mean(1), output.embedding, 1e-12, 1e-9));
  const double scale = output.logits.abs().max().item<double>();
  for (std::int64_t row = 0; row < output.logits.size(0); ++row) {
    for (std::int64_t column = 0; column < output.logits.size(1); ++column) {
      check_close(output.logits[row][column].item<double>(),
                  vector.at("logits")[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)], scale);
    }
  }
}

}  // namespace

TEST_CASE("every backbone of the vectors equals torchvision's, stage by stage") {
  int files = 0;
  for (const auto& item : std::filesystem::directory_iterator(test::vectors_dir() / "backbones")) {
    INFO(item.path().filename().string());
    check_backbone(item.path());
    ++files;
  }
  CHECK(files >= 5);
}
