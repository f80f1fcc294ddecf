#include "cmkd/harness/pretrained.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>

#include "cmkd/batches/window_reader.h"
#include "cmkd/core/error.h"
#include "cmkd/core/hash.h"
#include "cmkd/harness/suite_models.h"
#include "cmkd/runtime/determinism.h"

namespace cmkd {

namespace fs = std::filesystem;

namespace {

using FileState = std::tuple<std::string, std::uintmax_t, fs::file_time_type>;

LoadOptions load_options(const Parameters& values) {
  LoadOptions options;
  options.prefix = values.text("weights_prefix");
  options.classifier = values.text("weights_classifier");
  options.first_conv = values.text("weights_first_conv");
  options.allow_partial = values.boolean("weights_partial");
  return options;
}

// The same error, which also says which setting asked for the file.
[[noreturn]] void rethrow(const Error& error, const ModelEntry& entry) {
  ErrorParts parts = error.parts();
  parts.where = fmt::format("{} ({})", parts.where, entry.weights.origin("weights"));
  if (!parts.fix.empty()) parts.fix += "; settings: weights_prefix, weights_classifier, weights_partial, weights_entry";
  throw Error(error.kind(), parts);
}

}  // namespace

std::string weights_hash(const ModelEntry& entry) {
  if (!entry.has_weights()) return "";
  static std::mutex mutex;
  static std::map<FileState, std::string> known;
  const fs::path path = entry.weights.values.text("weights");
  std::error_code unreadable;
  const std::uintmax_t size = fs::file_size(path, unreadable);
  if (unreadable) {
    throw Error(ErrorKind::kData,
                {fmt::format("the weights '{}' cannot be read: {}", path.string(), unreadable.message()),
                 entry.weights.origin("weights"), "",
                 "name a file; paths begin in the folder that "
                 "cmkd is called from"});
  }
  const FileState state{path.string(), size, fs::last_write_time(path)};
  const std::scoped_lock lock(mutex);
  auto found = known.find(state);
  if (found == known.end()) found = known.emplace(state, hash_file(path)).first;
  return found->second;
}

WeightsReport load_pretrained(Model& model, const ModelEntry& entry, const std::string& expected_hash) {
  if (!entry.has_weights()) return {};
  const Parameters& values = entry.weights.values;
  try {
    const LoadOptions options = load_options(values);
    const auto compare = [&](const WeightFile& file) { return compare_weights(model, file, options); };
    const WeightFile file = read_fitting_entry(values.text("weights"), values.text("weights_entry"), compare).file;
    if (!expected_hash.empty() && file.content_hash != expected_hash) {
      throw Error(ErrorKind::kData, {"the weights changed while the suite ran: another content than was planned with",
                                     file.path.string(), "", "run the command again"});
    }
    return load_weights(model, file, options);
  } catch (const Error& error) {
    rethrow(error, entry);
  }
}

std::vector<WeightsLine> check_weights(const Suite& suite, const SuiteData& data) {
  std::vector<WeightsLine> lines;
  const WindowReader reader(data.cache, suite.window_settings());
  for (const auto& [role, entry] : {std::pair{"student", &suite.student}, std::pair{"teacher", &suite.teacher}}) {
    if (!entry->has_weights()) continue;
    const ScopedSeed seed(0);
    const auto model = model_registry().get(entry->id).make(model_config(suite, *entry, data, reader));
    lines.push_back({role, load_pretrained(*model, *entry), entry->weights.values.text("weights_pretrained_on")});
  }
  return lines;
}

}  // namespace cmkd
