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
  const fs::path path = entry.weights.values.file;
  std::error_code unreadable;
  const std::uintmax_t size = fs::file_size(path, unreadable);
  if (unreadable) {
    throw Error(ErrorKind::kData,
                {.what = fmt::format("the weights '{}' cannot be read: {}", path.string(), unreadable.message()),
                 .where = entry.weights.origin("weights"),
                 .fix = "name a file; paths begin in the folder that "
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
  const WeightsSettings& settings = entry.weights.values;
  try {
    const auto compare = [&](const WeightFile& file) { return compare_weights(model, file, settings); };
    const WeightFile file = read_fitting_entry(settings.file, settings.entry, compare).file;
    if (!expected_hash.empty() && file.content_hash != expected_hash) {
      throw Error(ErrorKind::kData,
                  {.what = "the weights changed while the suite ran: another content than was planned with",
                   .where = file.path.string(),
                   .fix = "run the command again"});
    }
    return load_weights(model, file, settings);
  } catch (const Error& error) {
    rethrow(error, entry);
  }
}

std::vector<WeightsLine> check_weights(const Suite& suite, const SuiteData& data) {
  std::vector<WeightsLine> lines;
  const WindowReader reader = data.reader(suite.clip.values);
  for (const auto& [role, entry] : {std::pair{"student", &suite.student}, std::pair{"teacher", &suite.teacher}}) {
    if (!entry->has_weights()) continue;
    const ScopedSeed seed(0);
    const auto model = model_registry().get(entry->id).make(model_config(suite, *entry, data, reader));
    lines.push_back({role, load_pretrained(*model, *entry), entry->weights.values.pretrained_on});
  }
  return lines;
}

}  // namespace cmkd
