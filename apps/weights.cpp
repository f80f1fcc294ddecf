// cmkd weights: what a file of weights or features holds, and how it fits a model.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <tuple>

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

// As many classes as the heads in the file have: a file may hold several networks, and names beside theirs.
std::set<std::int64_t> classes_in(const WeightFile& file, const LoadOptions& options) {
  constexpr std::int64_t kWhenThereIsNoHead = 10;
  constexpr std::int64_t kMostClasses = 100000;  // a file may claim any number
  constexpr std::size_t kMostHeads = 8;
  std::set<std::int64_t> classes;
  for (const auto& [name, tensor] : file.tensors) {
    const bool head = name == "fc.weight" || name.ends_with(".fc.weight");
    if (!head || tensor.dim() != 2 || options.classifier != ClassifierWeights::kLoad || classes.size() == kMostHeads)
      continue;
    classes.insert(std::clamp<std::int64_t>(tensor.size(0), 1, kMostClasses));
  }
  if (classes.empty()) classes.insert(kWhenThereIsNoHead);
  return classes;
}

// With the number of classes that fits best.
WeightsReport compare_with(const std::string& id, const WeightFile& file, const LoadOptions& options) {
  const auto fit = [](const WeightsReport& report) {
    return std::make_tuple(report.matched.size(), !names_a_copy(report.prefix), report.complete());
  };
  std::optional<WeightsReport> best;
  for (const std::int64_t classes : classes_in(file, options)) {
    WeightsReport report = compare_weights(*make_model(id, classes), file, options);
    if (!best || fit(report) > fit(*best)) best = std::move(report);
  }
  return *best;
}

LoadOptions load_options(const CommandLine& line) {
  LoadOptions options;
  options.prefix = line.get<std::string>("prefix");
  options.classifier = parse_named<ClassifierWeights>(line.get<std::string>("classifier"), "value of --classifier");
  options.first_conv = parse_named<FirstConvWeights>(line.get<std::string>("first-conv"), "value of --first-conv");
  return options;
}

json report_json(const WeightsReport& report) {
  json wrong = json::array();
  for (const ShapeMismatch& item : report.wrong_shape) {
    wrong.push_back({{"name", item.name}, {"in_file", item.in_file}, {"in_model", item.in_model}});
  }
  json other_prefixes = json::array();
  for (const PrefixFit& other : report.other_prefixes) {
    other_prefixes.push_back({{"prefix", other.prefix}, {"fits", other.fits}});
  }
  json not_finite = json::array();
  for (const NotFinite& item : report.not_finite) not_finite.push_back({{"name", item.name}, {"values", item.values}});
  const std::optional<PrefixFit>& better = report.better_prefix;
  return {{"complete", report.complete()},
          {"prefix", report.prefix},
          {"other_prefixes", other_prefixes},
          {"better_prefix", better ? json{{"prefix", better->prefix}, {"fits", better->fits}} : json()},
          {"not_finite", not_finite},
          {"matched", report.matched},
          {"missing", report.missing},
          {"missing_counters", report.missing_counters},
          {"unexpected", report.unexpected},
          {"wrong_shape", wrong},
          {"skipped", report.skipped},
          {"summed", report.summed},
          {"left_out", report.left_out}};
}

std::int64_t not_finite_in(const at::Tensor& tensor) {
  return tensor.is_floating_point() ? tensor.isfinite().logical_not_().sum().item<std::int64_t>() : 0;
}

json file_json(const WeightFile& file) {
  json tensors = json::array();
  for (const auto& [name, tensor] : file.tensors) {
    tensors.push_back({{"name", name},
                       {"dtype", type_name(tensor.scalar_type())},
                       {"shape", tensor.sizes().vec()},
                       {"not_finite", not_finite_in(tensor)}});
  }
  return {{"file", file.path.string()},          {"format", to_string(file.format)},
          {"content_hash", file.content_hash},   {"entry", file.container},
          {"other_entries", file.other_entries}, {"left_out", file.left_out},
          {"metadata", file.metadata},           {"tensors", tensors}};
}

json others_json(const FittingEntry& fitting) {
  json others = json::array();
  for (const FittingEntry::Other& other : fitting.others) {
    others.push_back({{"entry", other.entry}, {"fits", other.fits}, {"unreadable", other.unreadable}});
  }
  return others;
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
    const std::int64_t not_finite = not_finite_in(tensor);
    text += fmt::format("  {:<{}} {:<9} [{}]{}\n", name, width, type_name(tensor.scalar_type()),
                        fmt::join(tensor.sizes(), ", "),
                        not_finite > 0 ? fmt::format(", {} NaN or infinite", not_finite) : "");
  }
  if (!file.left_out.empty()) text += fmt::format("  no tensors, or not of the entry: {}\n", join(file.left_out));
  for (const auto& [key, value] : file.metadata)
    text += fmt::format("  {}: {}\n", value_on_one_line(key), value_on_one_line(value));
  return text + fmt::format("  content {}\n", file.content_hash);
}

std::string others_text(const FittingEntry& fitting) {
  std::string text;
  for (const FittingEntry::Other& other : fitting.others) {
    text += other.unreadable.empty()
                ? fmt::format("  entry '{}': {} tensors fit (--entry {})\n", other.entry, other.fits, other.entry)
                : fmt::format("  entry '{}': cannot be read: {}\n", other.entry, other.unreadable);
  }
  return text;
}

}  // namespace

int run_weights(const Arguments& arguments) {
  CommandLine line("cmkd weights FILE [options]",
                   "Prints what a file of weights or features holds: PyTorch (.pth, .pt), safetensors or NumPy (.npy), "
                   "told by its\n"
                   "content; nothing in it is run. With --model, how it fits: exit status 1 when something is missing, "
                   "unexpected, of\n"
                   "another shape, NaN or infinite. Names may begin otherwise ('_orig_mod.', 'model.student.'): the "
                   "prefix is found.",
                   "cmkd weights resnet18.pth\ncmkd weights lightning.ckpt --model resnet18 --prefix model.student\n"
                   "cmkd weights checkpoint.pth.tar --model resnet18 --classifier skip\n"
                   "cmkd weights model.safetensors --json");
  line.positional("file", 1);
  line.add()("model", po::value<std::string>()->value_name("ID"), "compare with this model (see 'cmkd list models')")(
      "entry", po::value<std::string>()->value_name("NAME")->default_value(""),
      "which entry of a checkpoint: 'model', 'a.b'; '.': everything; without it the first of state_dict, "
      "model_state_dict, model and net, or with --model another that fits better")(
      "prefix", po::value<std::string>()->value_name("TEXT")->default_value("auto"),
      "remove this from the names; auto: that with which most tensors fit by name and shape")(
      "classifier", po::value<std::string>()->value_name("HOW")->default_value("load"),
      "load, or skip the head (fc.*)")(
      "first-conv", po::value<std::string>()->value_name("HOW")->default_value("exact"),
      "exact, or sum the input channels for a model with one")("json", po::bool_switch(), "print JSON");
  if (!line.parse(arguments)) return 0;
  const std::string path = line.one("file", "weight file");
  const std::string entry = line.get<std::string>("entry");
  if (!line.has("model")) {
    const WeightFile file = read_weight_file(path, {entry});
    line.flag("json") ? print_json(file_json(file)) : print_out(file_text(file));
    return 0;
  }
  const LoadOptions options = load_options(line);
  const std::string id = line.get<std::string>("model");
  const auto compare = [&](const WeightFile& file) { return compare_with(id, file, options); };
  const FittingEntry fitting = read_fitting_entry(path, entry, compare, /*compare_all=*/true);
  const bool fits = fitting.report.complete() && !fitting.report.matched.empty();
  if (line.flag("json")) {
    json value = file_json(fitting.file);
    value["report"] = report_json(fitting.report);
    value["report"]["other_entries"] = others_json(fitting);
    print_json(value);
  } else {
    print_out(file_text(fitting.file) +
              fmt::format("{}: {}\n{}", id, fits ? "fits" : "does not fit", fitting.report.text()) +
              others_text(fitting));
  }
  return fits ? 0 : 1;
}

}  // namespace cmkd::apps
