#include "cmkd/models/load_weights.h"

#include <ATen/Functions.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "cmkd/core/error.h"

namespace cmkd {

namespace {

constexpr const char* kDataParallel = "module.";
constexpr std::size_t kLinesShown = 12;  // of each kind in an error

void require_choice(const std::string& name, const std::string& value, const std::vector<std::string>& choices) {
  if (std::ranges::find(choices, value) != choices.end()) return;
  throw Error(ErrorKind::kUsage, {fmt::format("weights: '{}' cannot be '{}'", name, value), "", join(choices),
                                  did_you_mean(value, choices)});
}

std::string prefix_of(const WeightFile& file, const LoadOptions& options) {
  if (options.prefix != "auto") return options.prefix;
  const bool all =
      std::ranges::all_of(file.tensors, [](const auto& item) { return item.first.starts_with(kDataParallel); });
  return all ? kDataParallel : "";
}

// The convolution that sees the input: the first parameter with two or three dimensions of space and time.
std::string first_convolution(const Model& model) {
  for (const auto& item : model.named_parameters()) {
    if (item.value().dim() >= 4) return item.key();
  }
  return "";
}

// [out, 1, …] can be given the sum of [out, n, …].
bool sums_to(const at::Tensor& given, const at::Tensor& own) {
  if (given.dim() != own.dim() || own.size(1) != 1 || given.size(1) < 2) return false;
  std::vector<std::int64_t> sizes = given.sizes().vec();
  sizes[1] = 1;
  return own.sizes() == at::IntArrayRef(sizes);
}

// What of the file is for the model, by the model's names.
TensorMap given_tensors(const WeightFile& file, const WeightsReport& report) {
  return with_prefix(file.tensors, report.prefix);
}

void compare_one(const std::string& name, const at::Tensor& own, const TensorMap& given, const std::string& summable,
                 WeightsReport& report) {
  const auto found = given.find(name);
  if (found == given.end()) {
    auto& list = name.ends_with("num_batches_tracked") ? report.missing_counters : report.missing;
    list.push_back(name);
  } else if (found->second.sizes() == own.sizes()) {
    report.matched.push_back(name);
  } else if (name == summable && sums_to(found->second, own)) {
    report.matched.push_back(name);
    report.summed.push_back(name);
  } else {
    report.wrong_shape.push_back({name, found->second.sizes().vec(), own.sizes().vec()});
  }
}

// A prefix with which a name that is missing stands in the file: "encoder." for "encoder.conv1.weight".
std::string likely_prefix(const WeightFile& file, const WeightsReport& report) {
  for (const std::string& name : report.missing) {
    for (const auto& [given, tensor] : file.tensors) {
      if (given.size() > name.size() && given.ends_with("." + name)) return given.substr(0, given.size() - name.size());
    }
  }
  return "";
}

std::string fix_for(const WeightFile& file, const WeightsReport& report) {
  if (const std::string prefix = likely_prefix(file, report); !prefix.empty()) {
    return fmt::format("name the prefix: '{}'", prefix);
  }
  const bool only_head =
      report.missing.empty() && report.unexpected.empty() &&
      std::ranges::all_of(report.wrong_shape, [](const auto& item) { return is_classifier_parameter(item.name); });
  if (only_head) return "the head has another number of classes: classifier = skip keeps the model's own";
  return "take the weights of this architecture, or allow partial loading";
}

void copy_matched(const Model& model, const TensorMap& given, const WeightsReport& report) {
  const TensorMap own = state_of(model);
  const at::NoGradGuard no_grad;
  for (const std::string& name : report.matched) {
    const bool sum = std::ranges::find(report.summed, name) != report.summed.end();
    const at::Tensor& tensor = given.at(name);
    // In float: a sum in half precision would round twice.
    at::Tensor(own.at(name)).copy_(sum ? tensor.to(at::kFloat).sum(1, /*keepdim=*/true) : tensor);
  }
}

std::string shape_text(const std::vector<std::int64_t>& sizes) { return fmt::format("[{}]", fmt::join(sizes, ", ")); }

std::string list_text(const char* title, const std::vector<std::string>& names) {
  if (names.empty()) return "";
  const std::size_t count = std::min(names.size(), kLinesShown);
  std::string text =
      fmt::format("  {} ({}): {}", title, names.size(),
                  join(std::vector<std::string>(names.begin(), names.begin() + static_cast<long>(count))));
  return text + (names.size() > count ? ", …\n" : "\n");
}

}  // namespace

bool is_classifier_parameter(const std::string& name) { return name.starts_with("fc."); }

WeightsReport compare_weights(const Model& model, const WeightFile& file, const LoadOptions& options) {
  require_choice("classifier", options.classifier, {"load", "skip"});
  require_choice("first_conv", options.first_conv, {"exact", "sum"});
  const bool skip_head = options.classifier == "skip";
  WeightsReport report;
  report.file = describe(file);
  report.prefix = prefix_of(file, options);
  const TensorMap given = given_tensors(file, report);
  const TensorMap own = state_of(model);
  const std::string summable = options.first_conv == "sum" ? first_convolution(model) : "";
  for (const auto& [name, tensor] : own) {
    if (skip_head && is_classifier_parameter(name)) {
      report.skipped.push_back(name);
    } else {
      compare_one(name, tensor, given, summable, report);
    }
  }
  for (const auto& [name, tensor] : given) {
    if (own.contains(name) || (skip_head && is_classifier_parameter(name))) continue;
    report.unexpected.push_back(name);
  }
  for (const auto& [name, tensor] : file.tensors) {
    if (!name.starts_with(report.prefix)) report.left_out.push_back(name);
  }
  return report;
}

WeightsReport load_pretrained(Model& model, const WeightFile& file, const LoadOptions& options) {
  WeightsReport report = compare_weights(model, file, options);
  if (report.matched.empty() || (!report.complete() && !options.allow_partial)) {
    const std::string what = report.matched.empty() ? "no tensor of the file fits the model" : "the weights do not fit";
    throw Error(ErrorKind::kData,
                {fmt::format("{}\n{}", what, report.text()), file.path.string(), "", fix_for(file, report)});
  }
  copy_matched(model, given_tensors(file, report), report);
  return report;
}

std::string WeightsReport::summary() const {
  const std::size_t all =
      matched.size() + missing.size() + wrong_shape.size() + skipped.size() + missing_counters.size();
  std::string text = fmt::format("{} of {} tensors fit", matched.size(), all);
  const auto add = [&](const char* what, std::size_t count) {
    if (count > 0) text += fmt::format(", {} {}", count, what);
  };
  add("missing", missing.size());
  add("unexpected", unexpected.size());
  add("of another shape", wrong_shape.size());
  add("of the head skipped", skipped.size());
  add("counters absent", missing_counters.size());
  add("summed over channels", summed.size());
  add("left out", left_out.size());
  if (!prefix.empty()) text += fmt::format(", prefix '{}' removed", prefix);
  return text;
}

std::string WeightsReport::text() const {
  std::string text = fmt::format("  {}\n  {}\n", file, summary());
  text += list_text("missing", missing);
  text += list_text("unexpected", unexpected);
  for (std::size_t i = 0; i < std::min(wrong_shape.size(), kLinesShown); ++i) {
    text += fmt::format("  another shape: {} is {} in the file, {} in the model\n", wrong_shape[i].name,
                        shape_text(wrong_shape[i].in_file), shape_text(wrong_shape[i].in_model));
  }
  if (wrong_shape.size() > kLinesShown) text += fmt::format("  … and {} more\n", wrong_shape.size() - kLinesShown);
  text += list_text("head skipped", skipped);
  text += list_text("left out", left_out);
  return text;
}

}  // namespace cmkd
