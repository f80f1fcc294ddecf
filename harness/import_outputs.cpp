#include "cmkd/harness/import_outputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "cmkd/core/error.h"
#include "cmkd/core/hash.h"
#include "cmkd/core/utf8.h"
#include "cmkd/harness/build_info.h"
#include "cmkd/harness/keys.h"
#include "cmkd/harness/plan.h"
#include "cmkd/harness/task_evaluation.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/source_code.h"
#include "cmkd/suites/tiled_ranking.h"

namespace cmkd {

using nlohmann::json;

namespace {

// Some names, and how many there are.
std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t kNamed = 5;
  std::vector<std::string> shown(names.begin(),
                                 names.begin() + static_cast<std::ptrdiff_t>(std::min(kNamed, names.size())));
  if (names.size() > kNamed) shown.push_back(fmt::format("… {} more", names.size() - kNamed));
  return join(shown);
}

// The file's row of each wanted clip. All that is wrong is told at once.
std::vector<std::size_t> rows_of_clips(const OutputsFile& file, const std::vector<std::string>& wanted) {
  std::map<std::string, std::size_t> rows;
  std::vector<std::string> doubled;
  for (std::size_t i = 0; i < file.clips.size(); ++i) {
    if (!rows.emplace(file.clips[i], i).second) doubled.push_back(file.clips[i]);
  }
  std::vector<std::size_t> order;
  std::vector<std::string> missing;
  for (const std::string& clip : wanted) {
    const auto found = rows.find(clip);
    if (found == rows.end()) {
      missing.push_back(clip);
      continue;
    }
    order.push_back(found->second);
    rows.erase(found);
  }
  std::vector<std::string> unknown;
  for (const auto& [clip, row] : rows) unknown.push_back(clip);
  std::vector<std::string> problems;
  const auto tell = [&](const char* what, const std::vector<std::string>& clips) {
    if (!clips.empty()) problems.push_back(fmt::format("{} {}: {}", clips.size(), what, some_of(clips)));
  };
  tell("missing", missing);
  tell("doubled", doubled);
  tell("not of this suite", unknown);
  if (problems.empty()) return order;
  throw Error(ErrorKind::kData, {"the clips are not those of the suite: " + join(problems, "; "), file.path.string(),
                                 fmt::format("each of the suite's {} clips once", wanted.size()),
                                 "'cmkd import --list --suite SUITE' prints the clips that are wanted"});
}

// The file's column of each class: by name, by index, or as they stand.
std::vector<std::size_t> columns_of_classes(const OutputsFile& file, const std::vector<std::string>& classes) {
  if (file.width != static_cast<std::int64_t>(classes.size())) {
    throw Error(ErrorKind::kData,
                {.what = fmt::format("rows are {} wide, and the dataset has {} classes", file.width, classes.size()),
                 .where = file.path.string()});
  }
  std::vector<std::size_t> order;
  std::vector<std::string> indices;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    order.push_back(i);
    indices.push_back(fmt::format("{}", i));
  }
  if (file.columns.empty()) return order;
  const std::vector<std::string>* const kinds[] = {&classes, &indices};
  for (const std::vector<std::string>* names : kinds) {
    if (!std::ranges::is_permutation(file.columns, *names)) continue;
    for (std::size_t i = 0; i < names->size(); ++i) {
      order[i] = static_cast<std::size_t>(std::ranges::find(file.columns, (*names)[i]) - file.columns.begin());
    }
    return order;
  }
  std::vector<std::string> strange;
  for (const std::string& column : file.columns) {
    if (std::ranges::find(classes, column) == classes.end()) strange.push_back(column);
  }
  throw Error(ErrorKind::kData, {.what = "the columns are neither the classes' names nor their indices: " +
                                         (strange.empty() ? "one stands twice" : some_of(strange)),
                                 .where = file.path.string(),
                                 .allowed = some_of(classes) + "; or 0 … " + fmt::format("{}", classes.size() - 1)});
}

void require_finite(const OutputsFile& file) {
  for (std::size_t i = 0; i < file.values.size(); ++i) {
    if (std::isfinite(file.values[i])) continue;
    const std::size_t row = i / static_cast<std::size_t>(file.width);
    const std::size_t column = i % static_cast<std::size_t>(file.width);
    throw Error(
        ErrorKind::kData,
        {.what = fmt::format("the output of clip '{}' in column {} is {}", file.clips[row],
                             file.columns.empty() ? fmt::format("{}", column) : file.columns[column], file.values[i]),
         .where = file.path.string(),
         .allowed = "finite numbers"});
  }
}

void to_probabilities(std::span<float> row, bool multi_label) {
  if (multi_label) {
    for (float& value : row) value = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(value))));
    return;
  }
  const double highest = *std::ranges::max_element(row);
  double sum = 0;
  for (const float value : row) sum += std::exp(value - highest);
  for (float& value : row) value = static_cast<float>(std::exp(value - highest) / sum);
}

void require_probabilities(std::span<const float> row, bool multi_label, const std::string& clip,
                           const std::string& where) {
  constexpr double kSlack = 1e-3;
  double sum = 0;
  bool inside = true;
  for (const float value : row) {
    sum += value;
    inside = inside && value >= -kSlack && value <= 1 + kSlack;
  }
  if (inside && (multi_label || std::abs(sum - 1) <= kSlack)) return;
  throw Error(
      ErrorKind::kData,
      {.what = inside ? fmt::format("the outputs of clip '{}' sum to {:.4g}: they are no probabilities", clip, sum)
                      : fmt::format("an output of clip '{}' is below 0 or above 1: no probability", clip),
       .where = where,
       .fix = "if they are logits, say so: --values logits"});
}

void fill_scores(const OutputsFile& file, const Suite& suite, const ClipList& list, const ImportRequest& request,
                 results::ClipOutputs& outputs) {
  const bool retrieval = suite.general.values.task == Task::kRetrieval;
  const std::vector<std::size_t> rows = rows_of_clips(file, outputs.clip_ids);
  require_finite(file);
  std::vector<std::size_t> columns;
  if (retrieval) {
    for (std::int64_t i = 0; i < file.width; ++i) columns.push_back(static_cast<std::size_t>(i));
  } else {
    columns = columns_of_classes(file, list.classes);
  }
  outputs.width = file.width;
  for (std::size_t clip = 0; clip < rows.size(); ++clip) {
    const std::size_t begin = outputs.scores.size();
    for (const std::size_t column : columns) {
      outputs.scores.push_back(file.values[rows[clip] * static_cast<std::size_t>(file.width) + column]);
    }
    if (retrieval) continue;
    const std::span<float> row = std::span(outputs.scores).subspan(begin);
    if (request.values == OutputValues::kLogits) {
      to_probabilities(row, list.multi_label);
    } else {
      require_probabilities(row, list.multi_label, outputs.clip_ids[clip], file.path.string());
    }
  }
}

// UTF-8 that does nothing to what stands beside it.
bool is_plain_name(std::string_view name) {
  constexpr std::size_t kLongest = 200;
  if (name.empty() || name.size() > kLongest) return false;
  while (!name.empty()) {
    const Utf8Character character = decode_utf8(name);
    if (character.bytes == 0 || steers_text(character.code)) return false;
    name.remove_prefix(character.bytes);
  }
  return true;
}

void require_name(const std::string& name) {
  if (!is_plain_name(name)) {
    throw Error(ErrorKind::kUsage, {.what = "the row's name is empty, too long, or no plain text", .where = "--name"});
  }
  if (method_registry().find(name) == nullptr) return;
  throw Error(ErrorKind::kUsage, {.what = fmt::format("'{}' is a method of this program", name),
                                  .where = "--name",
                                  .fix = fmt::format("call the row otherwise, for example '{} (PyTorch)'", name)});
}

results::TrainingRecord external_training(const Suite& suite, const SuiteData& data, const OutputsFile& file,
                                          const ImportRequest& request) {
  results::TrainingRecord record;
  record.config_json = json{
      {"external", {{"name", request.name}, {"model", request.model}, {"content", file.content_hash}}},
      {"values", to_string(request.values)},
      {"dataset", {{"id", suite.dataset}, {"source_fingerprint", data.listed.source_fingerprint}}},
      {"task", to_string(suite.general.values.task)},
      {"protocol", to_string(suite.general.values.protocol)},
      {"condition", suite.condition()},
      {"direction", suite.direction()},
      {"fold", request.fold},
      {"seed",
       request.seed}}.dump();
  record.key = hash_hex(record.config_json);
  record.cell_key = "external";
  record.dataset_fingerprint = data.listed.source_fingerprint;
  record.decoded_fingerprint = data.cache.decoded_fingerprint();
  record.method = record.label = request.name;
  record.verified = "none";
  record.direction = suite.direction();
  record.student_model = request.model;
  record.seed = request.seed;
  record.selection_rule = "external";
  record.environment.values["imported_file"] = file.content_hash;
  add_build_info(record.environment.values);
  record.shared_code = shared_code_hash();
  return record;
}

results::EvaluationRecord external_evaluation(const Suite& suite, const std::string& training_key,
                                              results::ClipOutputs outputs, const std::string& where) {
  results::EvaluationRecord record;
  record.config_json = evaluation_config(suite, training_key, Split::kTest).dump();
  record.key = hash_hex(record.config_json);
  record.training_key = training_key;
  record.task = to_string(suite.general.values.task);
  record.protocol = to_string(suite.general.values.protocol);
  record.split = to_string(Split::kTest);
  record.shared_code = shared_code_hash();
  record.outputs = std::move(outputs);
  const bool retrieval = suite.general.values.task == Task::kRetrieval;
  const std::int64_t clips =
      retrieval ? record.outputs.queries : static_cast<std::int64_t>(record.outputs.clip_ids.size());
  const results::ClipOutputs& held = record.outputs;
  try {
    for (const Metric& metric :
         task_metrics(task_rules(suite), {held.labels, held.tags, held.width, held.scores, held.queries}, nullptr)) {
      record.metrics.push_back({metric.name, record.split, metric.value, clips});
    }
  } catch (const UnusableEmbedding& error) {
    throw Error(ErrorKind::kData, {.what = error.parts().what, .where = where});
  }
  return record;
}

results::SuiteLink external_link(const Suite& whole, const Suite& suite, const results::TrainingRecord& training,
                                 const std::string& evaluation_key, const ImportRequest& request) {
  results::SuiteLink link = link_of_suite(whole, suite);
  link.method_order = "9999";  // behind the suite's own
  link.method = link.label = request.name;
  link.role = results::RowRole::kExternal;
  link.student_model = request.model;
  link.seed = request.seed;
  link.fold = request.fold;
  link.training_key = training.key;
  link.evaluation_key = evaluation_key;
  link.row_rerun_command =
      fmt::format("cmkd import FILE --suite {} --name '{}'", whole.file.generic_string(), request.name);
  link.rerun_command = fmt::format("{} --seed {}", link.row_rerun_command, request.seed);
  return link;
}

}  // namespace

results::ClipOutputs clips_to_import(const Suite& suite, const SuiteData& data, const ImportRequest& request) {
  const std::vector<std::string> folds = data.folds(suite);
  if (std::ranges::find(folds, request.fold) == folds.end()) {
    throw Error(ErrorKind::kUsage,
                {request.fold.empty() ? "the suite runs several folds of its dataset: which one is it?"
                                      : fmt::format("the suite runs no fold '{}'", request.fold),
                 "--fold", join(folds), ""});
  }
  const Roles roles = data.roles(suite, request.seed, request.fold);
  return evaluated_clips(suite, data, roles, roles.test);
}

ImportedRow import_outputs(const Suite& whole, const Suite& suite, const SuiteData& data, const OutputsFile& file,
                           const ImportRequest& request) {
  require_name(request.name);
  results::ClipOutputs outputs = clips_to_import(suite, data, request);
  fill_scores(file, suite, data.listed.list, request, outputs);
  ImportedRow row;
  row.training = external_training(suite, data, file, request);
  row.evaluation = external_evaluation(suite, row.training.key, std::move(outputs), file.path.string());
  row.link = external_link(whole, suite, row.training, row.evaluation.key, request);
  return row;
}

}  // namespace cmkd
