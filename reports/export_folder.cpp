#include "cmkd/reports/export_folder.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/results/merge.h"
#include "export_files.h"
#include "export_parts.h"
#include "text.h"

namespace cmkd::reports {

namespace {

namespace fs = std::filesystem;
using ExportJson = nlohmann::ordered_json;

class Exporter {
 public:
  Exporter(const results::Store& store, fs::path folder, const ExportOptions& options)
      : store_(store),
        folder_(std::move(folder)),
        options_(options),
        suites_(folder_ / "suites", ".toml"),
        clips_(folder_ / "clips", ".csv") {
    for (const results::DatasetRecord& dataset : store.datasets()) names_[dataset.source_fingerprint] = dataset.name;
  }

  ExportReport run(const std::set<std::string>& keys) {
    (void)results::merge_stores(folder_ / "results.db", {store_.path()}, {keys});
    ExportJson trainings = ExportJson::array();
    std::vector<std::string> commands;
    for (const std::string& key : keys) {
      const RunContents contents = run_contents(store_, key);
      trainings.push_back(training_json(contents));
      commands.push_back(fmt::format("cmkd rerun {} --store results.db --verify   # {}, seed {}", key.substr(0, 12),
                                     clean_text(contents.training.label), contents.training.seed));
      ++report_.trainings;
    }
    const ExportJson root{{"format", "cmkd export"},
                          {"version", 1},
                          {"trainings", trainings},
                          {"datasets", datasets_json(keys)},
                          {"missing", report_.missing}};
    write_file_atomically(folder_ / "export.json",
                          root.dump(2, ' ', false, ExportJson::error_handler_t::replace) + "\n");
    write_file_atomically(folder_ / "README.md", readme(commands));
    return report_;
  }

 private:
  std::string dataset_name(const results::TrainingRecord& training) const {
    const auto found = names_.find(training.dataset_fingerprint);
    return found == names_.end() ? training.dataset_fingerprint : found->second;
  }

  ExportJson recipes_json(const results::TrainingRecord& training) {
    ExportJson list = ExportJson::array();
    for (const results::Recipe& recipe : store_.recipes(training.key)) {
      list.push_back({{"suite", suites_.put(file_name_of(recipe.suite), recipe.content)},
                      {"set", recipe.overrides},
                      {"kind", to_string(recipe.kind)},
                      {"winners", recipe.winners}});
    }
    if (list.empty()) {
      report_.missing.push_back(fmt::format("{} seed {} ({}): the suite file and settings that made it are not stored",
                                            training.label, training.seed, training.key.substr(0, 12)));
    }
    return list;
  }

  ExportJson evaluations_json(const RunContents& run) {
    ExportJson list = ExportJson::array();
    for (const RunContents::Evaluation& evaluation : run.evaluations) {
      ExportJson metrics = ExportJson::array();
      for (const results::MetricValue& metric : evaluation.record.metrics) {
        metrics.push_back(
            {{"name", metric.name}, {"split", metric.split}, {"value", metric.value}, {"clips", metric.clips}});
      }
      ExportJson one{{"key", evaluation.record.key},
                     {"task", evaluation.record.task},
                     {"protocol", evaluation.record.protocol},
                     {"split", evaluation.record.split},
                     {"config", ExportJson::parse(evaluation.record.config_json)},
                     {"metrics", metrics}};
      if (!evaluation.outputs.clip_ids.empty()) {
        const std::string name = file_name_of(dataset_name(run.training) + "-" + evaluation.record.split);
        one["clips"] = clips_.put(name, clip_list_csv(evaluation.outputs));
      }
      list.push_back(one);
    }
    return list;
  }

  std::string put_weights(const RunContents& run) {
    if (run.training.weights_file.empty()) {
      if (options_.weights && run.training.status == results::RunStatus::kDone) {
        report_.missing.push_back(fmt::format("{} seed {}: its weights were not kept (training.keep_weights = true)",
                                              run.training.label, run.training.seed));
      }
      return "";
    }
    if (!options_.weights) return "";
    const std::string name = run_file_name(run.training);
    const MappedFile weights(store_.artifact_path(run.training.weights_file));
    write_file_atomically(folder_ / "weights" / (name + ".safetensors"), weights.bytes());
    write_file_atomically(folder_ / "weights" / (name + ".md"), model_card(run, dataset_name(run.training)));
    ++report_.weights;
    return "weights/" + name + ".safetensors";
  }

  // Where a run stands in the suites of the store.
  ExportJson rows_json(const std::string& key) {
    ExportJson list = ExportJson::array();
    for (const results::SuiteSummary& suite : store_.suites()) {
      for (const results::LeaderboardRow& row : suite_rows(suite.suite)) {
        const results::SuiteLink& link = row.link;
        if (link.training_key != key) continue;
        list.push_back({{"suite", link.suite},
                        {"task", link.task},
                        {"dataset", link.dataset},
                        {"direction", link.direction},
                        {"protocol", link.protocol},
                        {"primary_metric", link.primary_metric},
                        {"role", to_string(link.role)},
                        {"fold", link.fold},
                        {"setting", link.swept_setting},
                        {"value", link.swept_value},
                        {"evaluation", link.evaluation_key},
                        {"command", link.rerun_command}});
      }
    }
    return list;
  }

  const std::vector<results::LeaderboardRow>& suite_rows(const std::string& suite) {
    const auto [found, is_new] = rows_.try_emplace(suite);
    if (is_new) found->second = store_.leaderboard_rows(suite);
    return found->second;
  }

  ExportJson put_training_clips(const results::TrainingRecord& training) {
    const auto found = options_.training_clips.find(training.key);
    if (found == options_.training_clips.end()) return nullptr;
    return clips_.put(file_name_of(fmt::format("{}-roles-seed-{}", dataset_name(training), training.seed)),
                      found->second);
  }

  ExportJson training_json(const RunContents& run) {
    const results::TrainingRecord& training = run.training;
    return {{"key", training.key},
            {"label", training.label},
            {"seed", training.seed},
            {"method", training.method},
            {"control", training.control},
            {"direction", training.direction},
            {"student_model", training.student_model},
            {"teacher_model", training.teacher_model},
            {"rows", rows_json(training.key)},
            {"status", training.status == results::RunStatus::kDone ? "done" : "failed"},
            {"reason", training.reason},
            {"verified", training.verified},
            {"teacher_key", training.teacher_key},
            {"config", ExportJson::parse(training.config_json)},
            {"made_by", recipes_json(training)},
            {"dataset", dataset_name(training)},
            {"fingerprints",
             {{"source", training.dataset_fingerprint},
              {"decoded", training.decoded_fingerprint},
              {"initial_weights", training.initial_weights_fingerprint},
              {"batch_order", training.batch_order_fingerprint},
              {"augmentation", training.augmentation_fingerprint},
              {"final_weights", training.final_weights_fingerprint}}},
            {"shared_code", training.shared_code},
            {"environment", training.environment.values},
            {"training_clips", put_training_clips(training)},
            {"weights", put_weights(run)},
            {"evaluations", evaluations_json(run)}};
  }

  ExportJson datasets_json(const std::set<std::string>& keys) {
    std::set<std::string> wanted;
    for (const std::string& key : keys) wanted.insert(store_.training(key)->dataset_fingerprint);
    ExportJson list = ExportJson::array();
    for (const results::DatasetRecord& dataset : store_.datasets()) {
      if (!wanted.contains(dataset.source_fingerprint)) continue;
      ExportJson excluded = ExportJson::array();
      for (const auto& clip : dataset.excluded) {
        excluded.push_back({{"clip", clip.clip_id}, {"split", clip.split}, {"reason", clip.reason}});
      }
      list.push_back({{"name", dataset.name},
                      {"source_fingerprint", dataset.source_fingerprint},
                      {"decoded_fingerprint", dataset.decoded_fingerprint},
                      {"config", ExportJson::parse(dataset.config_json)},
                      {"listed_clips", dataset.listed_clips},
                      {"used_clips", dataset.used_clips},
                      {"excluded", excluded}});
    }
    return list;
  }

  std::string readme(const std::vector<std::string>& commands) const {
    std::string text =
        "# Exported runs\n\nMade by `cmkd export`. To make a run again and compare it, in this folder (data that are "
        "not made by the "
        "suite\nitself are named by `--set 'dataset.root=\"/path\"'`):\n\n```\n";
    for (const std::string& command : commands) text += command + "\n";
    text +=
        "```\n\n- `results.db`: these runs with their per-clip outputs; `cmkd report --store results.db`\n"
        "- `suites/`: the suite files that made them; `export.json` says which, and the values of `--set`\n"
        "- `clips/`: the clips that each was tested on, and the gallery of a retrieval\n";
    if (!options_.training_clips.empty()) {
      text += "- `clips/…-roles-seed-….csv`: which clip the teacher, the student and the choice of epochs had\n";
    }
    text +=
        "- `export.json`: what each run is in its suites, configurations, fingerprints of data, weights and batches, "
        "environment, metrics, clips left "
        "out\n";
    if (report_.weights > 0) text += "- `weights/`: safetensors, each with a model card\n";
    if (!report_.missing.empty()) text += "\nNot here:\n\n";
    for (const std::string& line : report_.missing) text += "- " + clean_text(line) + "\n";
    return text;
  }

  const results::Store& store_;
  fs::path folder_;
  ExportOptions options_;
  NumberedFiles suites_;
  NumberedFiles clips_;
  std::map<std::string, std::string> names_;
  std::map<std::string, std::vector<results::LeaderboardRow>> rows_;  // by suite
  ExportReport report_;
};

void require_empty(const fs::path& folder) {
  if (!fs::exists(folder) || (fs::is_directory(folder) && fs::is_empty(folder))) return;
  throw Error(
      ErrorKind::kUsage,
      {.what = "the folder to export to is there and not empty", .where = folder.string(), .fix = "name another one"});
}

std::set<std::string> with_teachers(const results::Store& store, const std::vector<std::string>& trainings) {
  std::set<std::string> keys;
  for (const std::string& key : trainings) {
    const std::optional<results::TrainingRecord> training = store.training(key);
    if (!training) {
      throw Error(ErrorKind::kUsage,
                  {.what = fmt::format("the store has no training {}", key), .where = store.path().string()});
    }
    keys.insert(key);
    if (!training->teacher_key.empty() && store.has_training(training->teacher_key)) keys.insert(training->teacher_key);
  }
  return keys;
}

}  // namespace

ExportReport export_folder(const results::Store& store, const std::vector<std::string>& trainings,
                           const fs::path& folder, const ExportOptions& options) {
  require_empty(folder);
  const std::set<std::string> keys = with_teachers(store, trainings);
  if (keys.empty()) {
    throw Error(ErrorKind::kNothingSelected, {.what = "there is no run to export", .where = store.path().string()});
  }
  const fs::path partial = fs::path(folder).concat(".partial");
  fs::remove_all(partial);
  fs::create_directories(partial);
  try {
    ExportReport report = Exporter(store, partial, options).run(keys);
    fs::remove(folder);  // an empty one
    fs::rename(partial, folder);
    return report;
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(partial, ignored);
    throw;
  }
}

}  // namespace cmkd::reports
