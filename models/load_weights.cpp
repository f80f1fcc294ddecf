#include "cmkd/models/load_weights.h"

#include <ATen/Functions.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "cmkd/core/error.h"
#include "prefix_choice.h"

namespace cmkd {

namespace {

// Parts of names between '.' and '_'. "k" is MoCo's key encoder, which follows the one that is trained.
constexpr std::array<std::string_view, 9> kWordsOfCopies{"ema",      "momentum", "teacher", "target", "average",
                                                         "averaged", "swa",      "shadow",  "k"};

constexpr std::size_t kLinesShown = 12;  // of each kind in an error

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

bool fits_as(const at::Tensor& given, const at::Tensor& own, bool summable) {
  return given.sizes() == own.sizes() || (summable && sums_to(given, own));
}

// "a, b." -> {"a.", "b."}; "" -> {""}.
std::vector<std::string> split_prefixes(const std::string& text) {
  std::vector<std::string> prefixes;
  for (std::size_t first = 0; first <= text.size();) {
    const std::size_t end = std::min(text.find(',', first), text.size());
    std::string prefix = text.substr(first, end - first);
    prefix.erase(0, prefix.find_first_not_of(' '));
    prefix.erase(prefix.find_last_not_of(' ') + 1);
    prefixes.push_back(prefix.empty() || prefix.ends_with('.') ? prefix : prefix + ".");
    first = end + 1;
  }
  return prefixes;
}

// What of the file is for the model, by the model's names. A further prefix gives only what those before it lack.
TensorMap given_tensors(const WeightFile& file, const WeightsReport& report) {
  TensorMap given = with_prefix(file.tensors, report.prefix);
  for (const std::string& prefix : report.further_prefixes) given.merge(with_prefix(file.tensors, prefix));
  return given;
}

void choose_prefix(const WeightFile& file, const TensorMap& own, const std::string& summable,
                   const LoadOptions& options, WeightsReport& report) {
  TensorMap counted;
  for (const auto& [name, tensor] : own) {
    if (options.classifier != ClassifierWeights::kSkip || !is_classifier_parameter(name)) counted.emplace(name, tensor);
  }
  const auto fits = [&](const std::string& name, const at::Tensor& given) {
    return fits_as(given, own.at(name), name == summable);
  };
  const std::vector<models::RankedPrefix> ranking = models::rank_prefixes(file.tensors, counted, fits);
  const models::RankedPrefix& best = ranking.front();
  if (options.prefix == "auto") {
    report.prefix = best.prefix;
    for (const models::RankedPrefix& other : ranking) {
      if (other.prefix == best.prefix || other.fits == 0 || 2 * other.fits < best.fits) continue;
      report.other_prefixes.push_back({other.prefix, other.fits});
    }
    return;
  }
  const std::vector<std::string> prefixes = split_prefixes(options.prefix);
  report.prefix = prefixes.front();
  report.further_prefixes.assign(prefixes.begin() + 1, prefixes.end());
  const TensorMap given = given_tensors(file, report);
  const auto fitting = std::ranges::count_if(
      counted, [&](const auto& item) { return given.contains(item.first) && fits(item.first, given.at(item.first)); });
  if (fitting < best.fits) report.better_prefix = PrefixFit{best.prefix, best.fits};
}

void compare_one(const std::string& name, const at::Tensor& own, const TensorMap& given, const std::string& summable,
                 WeightsReport& report) {
  const auto found = given.find(name);
  if (found == given.end()) {
    auto& list = name.ends_with("num_batches_tracked") ? report.missing_counters : report.missing;
    list.push_back(name);
  } else if (fits_as(found->second, own, name == summable)) {
    report.matched.push_back(name);
    if (found->second.sizes() != own.sizes()) report.summed.push_back(name);
  } else {
    report.wrong_shape.push_back({name, found->second.sizes().vec(), own.sizes().vec()});
  }
}

std::string fix_for(const WeightsReport& report) {
  if (report.better_prefix) return fmt::format("name the prefix: '{}', or auto", report.better_prefix->prefix);
  const bool only_head =
      report.missing.empty() && report.unexpected.empty() &&
      std::ranges::all_of(report.wrong_shape, [](const auto& item) { return is_classifier_parameter(item.name); });
  if (only_head) return "the head has another number of classes: classifier = skip keeps the model's own";
  return "take the weights of this architecture, or allow partial loading";
}

// What is copied into the model's tensor, in its type and on the host.
at::Tensor loaded_value(const std::string& name, const at::Tensor& own, const TensorMap& given,
                        const WeightsReport& report) {
  const bool sum = std::ranges::find(report.summed, name) != report.summed.end();
  const at::Tensor& tensor = given.at(name);
  // In float: a sum in half precision would round twice.
  return (sum ? tensor.to(at::kFloat).sum(1, /*keepdim=*/true) : tensor).to(own.scalar_type());
}

// In the model's type: a float64 beyond the range of float32 becomes infinite on its way.
void look_for_not_finite(const TensorMap& own, const TensorMap& given, WeightsReport& report) {
  const at::NoGradGuard no_grad;
  for (const std::string& name : report.matched) {
    const at::Tensor value = loaded_value(name, own.at(name), given, report);
    if (!value.is_floating_point()) continue;
    const auto count = value.isfinite().logical_not_().sum().item<std::int64_t>();
    if (count > 0) report.not_finite.push_back({name, count, value.numel()});
  }
}

void refuse_not_finite(const WeightFile& file, const WeightsReport& report) {
  if (report.not_finite.empty()) return;
  std::int64_t values = 0;
  for (const NotFinite& item : report.not_finite) values += item.values;
  throw Error(ErrorKind::kData,
              {fmt::format("the weights are not finite: {} NaN or infinite value{}, in {} tensor{}\n{}", values,
                           values == 1 ? "" : "s", report.not_finite.size(), report.not_finite.size() == 1 ? "" : "s",
                           report.text()),
               file.path.string(), "finite numbers in every tensor that is loaded",
               "take a checkpoint of before the training diverged"});
}

void copy_matched(const Model& model, const TensorMap& given, const WeightsReport& report) {
  const TensorMap own = state_of(model);
  const at::NoGradGuard no_grad;
  for (const std::string& name : report.matched) {
    const at::Tensor& target = own.at(name);
    at::Tensor(target).copy_(loaded_value(name, target, given, report));
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

bool names_a_copy(const std::string& name) {
  std::size_t first = 0;
  while (first <= name.size()) {
    const std::size_t end = std::min(name.find_first_of("._", first), name.size());
    if (std::ranges::find(kWordsOfCopies, std::string_view(name).substr(first, end - first)) != kWordsOfCopies.end()) {
      return true;
    }
    first = end + 1;
  }
  return false;
}

WeightsReport compare_weights(const Model& model, const WeightFile& file, const LoadOptions& options) {
  const bool skip_head = options.classifier == ClassifierWeights::kSkip;
  WeightsReport report;
  report.file = describe(file);
  const TensorMap own = state_of(model);
  const std::string summable = options.first_conv == FirstConvWeights::kSum ? first_convolution(model) : "";
  choose_prefix(file, own, summable, options, report);
  const TensorMap given = given_tensors(file, report);
  for (const auto& [name, tensor] : own) {
    if (skip_head && is_classifier_parameter(name)) {
      report.skipped.push_back(name);
    } else {
      compare_one(name, tensor, given, summable, report);
    }
  }
  // Behind a further prefix there may be more than what is lacking.
  for (const auto& [name, tensor] : with_prefix(file.tensors, report.prefix)) {
    if (own.contains(name) || (skip_head && is_classifier_parameter(name))) continue;
    report.unexpected.push_back(name);
  }
  const auto is_taken = [&](const std::string& name) {
    if (name.starts_with(report.prefix)) return true;
    return std::ranges::any_of(report.further_prefixes, [&](const std::string& prefix) {
      return name.starts_with(prefix) && own.contains(name.substr(prefix.size()));
    });
  };
  for (const auto& [name, tensor] : file.tensors) {
    if (!is_taken(name)) report.left_out.push_back(name);
  }
  look_for_not_finite(own, given, report);
  return report;
}

WeightsReport load_weights(Model& model, const WeightFile& file, const LoadOptions& options) {
  WeightsReport report = compare_weights(model, file, options);
  refuse_not_finite(file, report);
  if (report.matched.empty() || (!report.complete() && !options.allow_partial)) {
    const std::string what = report.matched.empty() ? "no tensor of the file fits the model" : "the weights do not fit";
    throw Error(
        ErrorKind::kData,
        {.what = fmt::format("{}\n{}", what, report.text()), .where = file.path.string(), .fix = fix_for(report)});
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
  add("not finite", not_finite.size());
  if (!prefix.empty()) text += fmt::format(", prefix '{}' removed", prefix);
  if (!further_prefixes.empty()) text += fmt::format(", completed from '{}'", fmt::join(further_prefixes, "', '"));
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
  for (std::size_t i = 0; i < std::min(not_finite.size(), kLinesShown); ++i) {
    text += fmt::format("  not finite: {} of {} values of {}\n", not_finite[i].values, not_finite[i].of,
                        not_finite[i].name);
  }
  if (not_finite.size() > kLinesShown) text += fmt::format("  … and {} more\n", not_finite.size() - kLinesShown);
  for (const PrefixFit& other : other_prefixes) {
    text += fmt::format("  also possible: prefix '{}', with which {} tensors fit\n", other.prefix, other.fits);
  }
  if (better_prefix) {
    text += fmt::format(
        "  better: prefix '{}', with which {} tensors fit: --prefix auto (in a suite file: "
        "weights_prefix = \"auto\")\n",
        better_prefix->prefix, better_prefix->fits);
  }
  return text;
}

}  // namespace cmkd
