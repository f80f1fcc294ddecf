// cmkd weights: what a file of weights or features holds, and how it fits a model.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/models/load_weights.h"
#include "cmkd/runtime/determinism.h"
#include "cmkd/weights/weight_file.h"
#include "commands.h"

namespace cmkd::apps {

namespace po = boost::program_options;
using nlohmann::json;

namespace {

// "float32", "int64": PyTorch's names.
std::string type_name(c10::ScalarType type) {
  switch (type) {
    case c10::kDouble:
      return "float64";
    case c10::kFloat:
      return "float32";
    case c10::kHalf:
      return "float16";
    case c10::kBFloat16:
      return "bfloat16";
    case c10::kLong:
      return "int64";
    case c10::kInt:
      return "int32";
    case c10::kShort:
      return "int16";
    case c10::kChar:
      return "int8";
    case c10::kByte:
      return "uint8";
    case c10::kBool:
      return "bool";
    default:
      return c10::toString(type);
  }
}

// Any input will do: names and shapes do not depend on it.
std::shared_ptr<Model> make_model(const std::string& id, std::int64_t classes) {
  const ModelInfo& info = model_registry().get(id, "--model");
  ModelConfig config;
  config.classes = classes;
  config.frames = id == "image_cnn" ? 1 : 8;
  config.height = config.width = 112;
  config.sample_rate = config.samples = 16000;
  config.parameters = Parameters(info.parameters);
  const ScopedSeed seed(0);
  return info.make(config);
}

// By the head in the file, so that the model has as many classes.
std::int64_t classes_in(const WeightFile& file, const LoadOptions& options) {
  constexpr std::int64_t kWhenThereIsNoHead = 10;
  constexpr std::int64_t kMostClasses = 100000;  // a file may claim any number
  for (const auto& [name, tensor] : file.tensors) {
    const bool head = name == "fc.weight" || name.ends_with(".fc.weight");
    if (!head || tensor.dim() != 2 || options.classifier != "load") continue;
    return std::clamp<std::int64_t>(tensor.size(0), 1, kMostClasses);
  }
  return kWhenThereIsNoHead;
}

LoadOptions load_options(const CommandLine& line) {
  LoadOptions options;
  options.prefix = line.get<std::string>("prefix");
  options.classifier = line.get<std::string>("classifier");
  options.first_conv = line.get<std::string>("first-conv");
  return options;
}

json report_json(const WeightsReport& report) {
  json wrong = json::array();
  for (const ShapeMismatch& item : report.wrong_shape) {
    wrong.push_back({{"name", item.name}, {"in_file", item.in_file}, {"in_model", item.in_model}});
  }
  return {{"complete", report.complete()},
          {"prefix", report.prefix},
          {"matched", report.matched},
          {"missing", report.missing},
          {"missing_counters", report.missing_counters},
          {"unexpected", report.unexpected},
          {"wrong_shape", wrong},
          {"skipped", report.skipped},
          {"summed", report.summed},
          {"left_out", report.left_out}};
}

json file_json(const WeightFile& file) {
  json tensors = json::array();
  for (const auto& [name, tensor] : file.tensors) {
    tensors.push_back({{"name", name}, {"dtype", type_name(tensor.scalar_type())}, {"shape", tensor.sizes().vec()}});
  }
  return {{"file", file.path.string()}, {"format", to_string(file.format)}, {"content_hash", file.content_hash},
          {"entry", file.container},    {"left_out", file.left_out},        {"metadata", file.metadata},
          {"tensors", tensors}};
}

// What the file says of itself may be anything: control characters are shown as \xNN, so that they steer no terminal.
std::string value_on_one_line(const std::string& text) {
  std::string safe;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      // The C1 controls in UTF-8.
      safe += fmt::format("\\xc2\\x{:02x}", static_cast<unsigned char>(text[++i]));
    } else {
      safe += byte < 0x20 || byte == 0x7F ? fmt::format("\\x{:02x}", byte) : std::string(1, text[i]);
    }
  }
  return safe;
}

std::string file_text(const WeightFile& file) {
  std::size_t width = 0;
  for (const auto& [name, tensor] : file.tensors) width = std::max(width, name.size());
  std::string text = describe(file) + "\n";
  for (const auto& [name, tensor] : file.tensors) {
    text += fmt::format("  {:<{}} {:<9} [{}]\n", name, width, type_name(tensor.scalar_type()),
                        fmt::join(tensor.sizes(), ", "));
  }
  if (!file.left_out.empty()) text += fmt::format("  no tensors, or not of the entry: {}\n", join(file.left_out));
  for (const auto& [key, value] : file.metadata)
    text += fmt::format("  {}: {}\n", value_on_one_line(key), value_on_one_line(value));
  return text + fmt::format("  content {}\n", file.content_hash);
}

}  // namespace

int run_weights(const Arguments& arguments) {
  CommandLine line("cmkd weights FILE [options]",
                   "Prints what a file of weights or features holds: PyTorch (.pth, .pt), safetensors or NumPy (.npy), "
                   "told by its\n"
                   "content; nothing in it is run. With --model, how it fits: exit status 1 when something is missing, "
                   "unexpected or\n"
                   "of another shape.",
                   "cmkd weights resnet18.pth\ncmkd weights checkpoint.pth.tar --model resnet18 --classifier skip\n"
                   "cmkd weights model.safetensors --json");
  line.positional("file", 1);
  line.add()("model", po::value<std::string>()->value_name("ID"), "compare with this model (see 'cmkd list models')")(
      "entry", po::value<std::string>()->value_name("NAME")->default_value(""),
      "which entry of a checkpoint: 'model', 'a.b'; '.': everything; without it the first of state_dict, "
      "model_state_dict, model and net")("prefix", po::value<std::string>()->value_name("TEXT")->default_value("auto"),
                                         "remove this from the names; auto: 'module.' when all have it")(
      "classifier", po::value<std::string>()->value_name("HOW")->default_value("load"),
      "load, or skip the head (fc.*)")(
      "first-conv", po::value<std::string>()->value_name("HOW")->default_value("exact"),
      "exact, or sum the input channels for a model with one")("json", po::bool_switch(), "print JSON");
  if (!line.parse(arguments)) return 0;
  const WeightFile file = read_weight_file(line.one("file", "weight file"), {line.get<std::string>("entry")});
  json value = file_json(file);
  std::string text = file_text(file);
  bool fits = true;
  if (line.has("model")) {
    const LoadOptions options = load_options(line);
    const std::string id = line.get<std::string>("model");
    const WeightsReport report = compare_weights(*make_model(id, classes_in(file, options)), file, options);
    fits = report.complete() && !report.matched.empty();
    value["report"] = report_json(report);
    text += fmt::format("{}: {}\n{}", id, fits ? "fits" : "does not fit", report.text());
  }
  if (line.flag("json")) {
    print_json(value);
  } else {
    print_out(text);
  }
  return fits ? 0 : 1;
}

}  // namespace cmkd::apps
