// The words of an exported folder: model cards and clip lists.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "cmkd/core/csv_field.h"
#include "cmkd/core/error.h"
#include "export_parts.h"
#include "markdown.h"
#include "text.h"

namespace cmkd::reports {

namespace {

// JSON's texts are YAML's.
std::string yaml_text(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void add_card_metadata(MarkdownDocument& out, const RunContents& run, const std::string& dataset) {
  out.line("---");
  out.line("library_name: cmkd");
  out.line("tags: [knowledge-distillation, {}]", yaml_text(run.training.method));
  out.line("model-index:");
  out.line("- name: {}", yaml_text(run_file_name(run.training)));
  out.line("  results:");
  for (const RunContents::Evaluation& evaluation : run.evaluations) {
    if (evaluation.record.task == "corruption") continue;
    out.line("  - task: {{type: {}}}", yaml_text(evaluation.record.task));
    out.line("    dataset: {{name: {}, type: {}, split: {}}}", yaml_text(dataset), yaml_text(dataset),
             yaml_text(evaluation.record.split));
    out.line("    metrics:");
    for (const results::MetricValue& metric : evaluation.record.metrics) {
      if (metric.split != evaluation.record.split || !std::isfinite(metric.value)) continue;
      out.line("    - {{type: {}, value: {:.6f}}}", yaml_text(metric.name), metric.value);
    }
  }
  out.line("---");
}

}  // namespace

std::string file_name_of(const std::string& text) {
  std::string name;
  for (const char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
    if (plain) name += c;
    if (!plain && !name.ends_with('-')) name += '-';
  }
  while (name.ends_with('-')) name.pop_back();
  return name.empty() || name.starts_with('.') ? "run" + name : name;
}

std::string run_file_name(const results::TrainingRecord& training) {
  return fmt::format("{}-seed-{}-{}", file_name_of(training.label), training.seed, training.key.substr(0, 12));
}

std::string model_card(const RunContents& run, const std::string& dataset) {
  const results::TrainingRecord& training = run.training;
  MarkdownDocument out;
  add_card_metadata(out, run, dataset);
  out.blank();
  out.line("# {}, seed {}", markdown_escaped(training.label), training.seed);
  out.blank();
  out.line("- **Network:** {}, trained from {}", markdown_escaped(training.student_model),
           markdown_escaped(direction_text(training.direction)));
  if (!training.teacher_model.empty()) {
    out.line("- **Teacher:** {} (training {})", markdown_escaped(training.teacher_model),
             training.teacher_key.substr(0, 12));
  }
  out.line("- **Data:** {} (source fingerprint {})", markdown_escaped(dataset), training.dataset_fingerprint);
  out.line("- **Which epoch:** {} ({})", training.selected_epoch, markdown_escaped(training.selection_rule));
  out.line("- **Method against its official code:** {}", markdown_escaped(training.verified));
  out.line("- **Weights' fingerprint:** {}", training.final_weights_fingerprint);
  out.line("- **Made again by:** `cmkd rerun {} --store results.db --verify`", training.key.substr(0, 12));
  out.blank();
  out.head({"Task", "Protocol", "Split", "Metric", "Value", "Clips"}, 4);
  for (const RunContents::Evaluation& evaluation : run.evaluations) {
    for (const results::MetricValue& metric : evaluation.record.metrics) {
      out.row({markdown_escaped(evaluation.record.task), markdown_escaped(evaluation.record.protocol),
               markdown_escaped(metric.split), markdown_escaped(metric_heading(metric.name)),
               metric_text(metric.name, metric.value), fmt::format("{}", metric.clips)});
    }
  }
  return out.take();
}

std::string clip_list_csv(const results::ClipOutputs& outputs) {
  std::string text = "clip,group,role,class\n";
  for (std::size_t i = 0; i < outputs.clip_ids.size(); ++i) {
    std::vector<std::string> classes;
    if (outputs.tags.empty()) {
      classes.push_back(fmt::format("{}", outputs.labels[i]));
    } else {
      for (const std::int32_t tag : outputs.tags[i]) classes.push_back(fmt::format("{}", tag));
    }
    const bool gallery = outputs.queries > 0 && static_cast<std::int64_t>(i) >= outputs.queries;
    text += fmt::format("{},{},{},{}\n", csv_field(outputs.clip_ids[i]), csv_field(outputs.groups[i]),
                        gallery ? "gallery" : "test", join(classes, "+"));
  }
  return text;
}

}  // namespace cmkd::reports
