#include "cmkd/models/vector_check.h"

#include <ATen/Functions.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <vector>

#include "cmkd/core/file.h"
#include "cmkd/models/log_mel.h"
#include "cmkd/models/model.h"
#include "cmkd/runtime/tensors.h"

namespace cmkd {

using nlohmann::json;

namespace {

void note_error(VectorCheck& check, const std::string& name, double difference, double scale) {
  const double error = difference == 0 ? 0 : difference / std::max(scale, 1e-300);
  if (error > check.error || !std::isfinite(error)) {
    check.error = std::isfinite(error) ? error : HUGE_VAL;
    check.worst = name;
  }
}

// The formula of vectors/README.md for element j of the entry `name`.
void fill_by_formula(const std::string& name, const at::Tensor& tensor) {
  if (tensor.dim() == 0) {  // num_batches_tracked
    tensor.zero_();
    return;
  }
  const int bytes =
      std::accumulate(name.begin(), name.end(), 0, [](int sum, char c) { return sum + static_cast<unsigned char>(c); });
  at::Tensor v = (at::arange(tensor.numel(), at::kDouble) * 0.7 + static_cast<double>(bytes % 97)).sin();
  const bool around_zero = name.ends_with("running_mean") || name.ends_with("bias");
  if (name.ends_with("running_var") || (tensor.dim() == 1 && !around_zero)) {
    v = v * 0.1 + 1;
  } else if (around_zero) {
    v = v * 0.1;
  } else {
    v = v * std::sqrt(3.0 / (static_cast<double>(tensor.numel()) / static_cast<double>(tensor.size(0))));
  }
  tensor.copy_(v.view(tensor.sizes()));
}

void check_stage(VectorCheck& check, const std::string& name, const at::Tensor& output, const json& expected) {
  const at::Tensor map = output.contiguous().view(-1);
  std::int64_t elements = 1;
  for (const json& size : expected.at("shape")) elements *= size.get<std::int64_t>();
  if (map.numel() != elements) {
    check.problem = fmt::format("{} has {} elements, {} expected", name, map.numel(), elements);
    return;
  }
  const double scale = map.abs().max().item<double>();
  note_error(check, name, std::abs(map.mean().item<double>() - expected.at("mean").get<double>()), scale);
  note_error(check, name, std::abs(map.std().item<double>() - expected.at("std").get<double>()), scale);
  for (std::size_t i = 0; i < expected.at("first").size(); ++i) {
    const double value = map[static_cast<std::int64_t>(i)].item<double>();
    note_error(check, name, std::abs(value - expected.at("first")[i].get<double>()), scale);
  }
}

// Sets the state by formula; says what of the names and shapes differs.
std::string fill_state(const Model& model, const json& expected) {
  const TensorMap state = state_of(model);
  if (state.size() != expected.size())
    return fmt::format("{} entries in the state dict, {} expected", state.size(), expected.size());
  const at::NoGradGuard no_grad;
  for (const json& entry : expected) {
    const std::string name = entry[0];
    const auto found = state.find(name);
    if (found == state.end()) return fmt::format("no entry '{}'", name);
    if (found->second.sizes().vec() != entry[1].get<std::vector<std::int64_t>>())
      return fmt::format("'{}' has another shape", name);
    fill_by_formula(name, found->second);
  }
  return "";
}

}  // namespace

VectorCheck check_backbone_vector(const std::filesystem::path& file) {
  VectorCheck check;
  const json vector = json::parse(read_file(file));
  const ModelInfo& info = model_registry().get(vector.at("model").get<std::string>(), file.string());
  ModelConfig config;
  config.classes = static_cast<std::int64_t>(vector.at("logits")[0].size());
  config.parameters = Parameters(info.parameters);
  const std::shared_ptr<Model> model = info.make(config);
  model->to(at::kDouble);
  model->eval();
  check.problem = fill_state(*model, vector.at("state_dict"));
  if (!check.problem.empty()) return check;
  std::int64_t parameters = 0;
  for (const at::Tensor& parameter : unique_parameters(*model)) parameters += parameter.numel();
  if (parameters != vector.at("parameters").get<std::int64_t>())
    check.problem = fmt::format("{} parameters", parameters);
  const auto shape = vector.at("input_shape").get<std::vector<std::int64_t>>();
  const std::int64_t elements = std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
  at::Tensor input = (at::arange(elements, at::kDouble) * 0.05).cos().view(shape);
  if (input.dim() == 4) input = input.unsqueeze(2);  // a frame is a clip of one
  const at::NoGradGuard no_grad;
  const ModelOutput output = model->forward(input, {true, true});
  for (std::size_t i = 0; i < output.stages.size(); ++i) {
    const std::string name = fmt::format("layer{}", i + 1);
    check_stage(check, name, output.stages[i], vector.at("stages").at(name));
  }
  check_stage(check, "avgpool", output.embedding, vector.at("stages").at("avgpool"));
  std::vector<double> logits;
  for (const json& row : vector.at("logits")) {
    for (const json& value : row) logits.push_back(value);
  }
  const at::Tensor expected = at::tensor(logits, at::kDouble).view(output.logits.sizes());
  note_error(check, "logits", (output.logits - expected).abs().max().item<double>(),
             expected.abs().max().item<double>());
  return check;
}

VectorCheck check_log_mel_vector(const std::filesystem::path& file) {
  VectorCheck check;
  const TensorMap vector = read_tensor_dict(file);
  const auto number = [&](const std::string& name) { return vector.at("hyper." + name).item<double>(); };
  const auto integer = [&](const std::string& name) { return static_cast<std::int64_t>(number(name)); };
  LogMelOptions options;
  options.sample_rate = integer("sample_rate");
  options.n_fft = integer("n_fft");
  options.hop_length = integer("hop_length");
  options.n_mels = integer("n_mels");
  options.f_min = number("f_min");
  options.f_max = number("f_max");
  options.pad_reflect = integer("pad_reflect") != 0;
  options.slaney_norm = integer("norm_slaney") != 0;
  options.htk_scale = integer("mel_scale_htk") != 0;
  options.log_eps = number("log_eps");
  LogMel log_mel(options);
  const auto compare = [&](const std::string& name, const at::Tensor& computed) {
    const at::Tensor& expected = vector.at("expected." + name);
    if (computed.sizes() != expected.sizes()) {
      check.problem = name + " has another shape";
      return;
    }
    note_error(check, name, (computed - expected).abs().max().item<double>(), expected.abs().max().item<double>());
  };
  compare("filterbank", mel_filterbank(options));
  compare("power_mel", log_mel.power_mel(vector.at("waveform")));
  compare("log_mel", log_mel.forward(vector.at("waveform")));
  return check;
}

}  // namespace cmkd
