#include "cmkd/harness/teacher_outputs.h"

#include <ATen/Functions.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/harness/evaluator.h"
#include "cmkd/suites/suite.h"

namespace cmkd {

using nlohmann::json;

namespace {

std::int64_t position_of(const std::vector<std::int64_t>& clips, std::int64_t clip) {
  const auto found = std::ranges::lower_bound(clips, clip);
  if (found == clips.end() || *found != clip) {
    throw Error(ErrorKind::kInternal, {.what = fmt::format("clip {} has no teacher outputs", clip)});
  }
  return found - clips.begin();
}

}  // namespace

std::int64_t TeacherOutputs::source_of(std::int64_t clip) const {
  if (source.empty()) return clip;
  return clips[static_cast<std::size_t>(source[static_cast<std::size_t>(position_of(clips, clip))])];
}

at::Tensor TeacherOutputs::pseudo_labels() const {
  return logits.view({static_cast<std::int64_t>(clips.size()), windows, -1}).mean(1).argmax(1).to(at::kCPU);
}

std::int64_t TeacherOutputs::row_of(std::int64_t clip, std::int64_t window) const {
  return position_of(clips, clip) * windows + window;
}

at::Tensor TeacherOutputs::rows(const Batch& batch) const {
  const auto* clip = batch.clip_index.const_data_ptr<std::int64_t>();
  const auto* window = batch.window.const_data_ptr<std::int64_t>();
  at::Tensor rows = at::empty({batch.clip_index.size(0)}, at::kLong);
  auto* out = rows.mutable_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < rows.size(0); ++i) {
    out[i] = row_of(clip[i], window[i]);
  }
  return rows.to(logits.device());
}

TeacherOutputs compute_teacher_outputs(const Predictor& teacher, const ModelShape& shape,
                                       const std::vector<std::int64_t>& clips, const WindowReader& reader,
                                       std::int64_t windows, std::int64_t batch_size, c10::Device device) {
  TeacherOutputs outputs;
  outputs.clips = clips;
  outputs.windows = windows;
  outputs.shape = shape;
  std::vector<at::Tensor> logits;
  std::vector<at::Tensor> embedding;
  forward_windows(teacher, clips, windows, WindowKind::kTraining, reader, batch_size, device,
                  [&](const ModelOutput& output) {
                    logits.push_back(output.logits.to(at::kCPU));
                    embedding.push_back(output.embedding.to(at::kCPU));
                  });
  outputs.logits = at::cat(logits);
  outputs.embedding = at::cat(embedding);
  return outputs;
}

void save_teacher_outputs(const std::filesystem::path& file, const TeacherOutputs& outputs,
                          const std::string& teacher_key) {
  SafetensorsFile content;
  content.tensors = {
      {"logits", outputs.logits}, {"embedding", outputs.embedding}, {"clips", at::tensor(outputs.clips, at::kLong)}};
  for (const auto& [name, tensor] : outputs.weights) content.tensors.emplace("weights." + name, tensor.to(at::kCPU));
  json judges = json::array();
  for (const auto& [judge, scores] : outputs.test_scores) {
    content.tensors.emplace("test_scores." + judge, scores);
    judges.push_back(judge);
  }
  const json shape{{"modality", to_string(outputs.shape.modality)},
                   {"classes", outputs.shape.classes},
                   {"embedding_width", outputs.shape.embedding_width},
                   {"token_width", outputs.shape.token_width},
                   {"stage_channels", outputs.shape.stage_channels}};
  content.metadata = {{"teacher", teacher_key},
                      {"windows", std::to_string(outputs.windows)},
                      {"shape", shape.dump()},
                      {"judges", judges.dump()},
                      {"fingerprint", fingerprint(content.tensors)}};
  write_safetensors(file, content);
}

TeacherOutputs load_teacher_outputs(const std::filesystem::path& file, const std::string& teacher_key,
                                    c10::Device device) {
  const SafetensorsFile content = read_safetensors(file);
  const auto meta = [&](const std::string& name) {
    const auto found = content.metadata.find(name);
    return found == content.metadata.end() ? std::string() : found->second;
  };
  if (meta("teacher") != teacher_key || meta("fingerprint") != fingerprint(content.tensors)) {
    throw Error(ErrorKind::kData, {.what = "the cached teacher outputs are broken or belong to another teacher",
                                   .where = file.string(),
                                   .fix = "delete the file: the teacher is then trained again"});
  }
  TeacherOutputs outputs;
  outputs.windows = std::stoll(meta("windows"));
  outputs.logits = content.tensors.at("logits").to(device);
  outputs.embedding = content.tensors.at("embedding").to(device);
  outputs.test_scores = with_prefix(content.tensors, "test_scores.");
  outputs.weights = with_prefix(content.tensors, "weights.");
  const at::Tensor clips = content.tensors.at("clips");
  outputs.clips.assign(clips.const_data_ptr<std::int64_t>(), clips.const_data_ptr<std::int64_t>() + clips.numel());
  const json shape = json::parse(meta("shape"));
  outputs.shape.modality = parse_modality(shape.at("modality").get<std::string>());
  outputs.shape.classes = shape.at("classes");
  outputs.shape.embedding_width = shape.at("embedding_width");
  outputs.shape.token_width = shape.at("token_width");
  outputs.shape.stage_channels = shape.at("stage_channels").get<std::vector<std::int64_t>>();
  return outputs;
}

bool has_test_scores(const std::filesystem::path& file, const std::vector<std::string>& judges) {
  const std::map<std::string, std::string> metadata = read_safetensors_metadata(file);
  const auto listed = metadata.find("judges");
  const auto known = listed == metadata.end() ? std::vector<std::string>()
                                              : json::parse(listed->second).get<std::vector<std::string>>();
  return std::ranges::all_of(judges, [&](const auto& judge) { return std::ranges::find(known, judge) != known.end(); });
}

const at::Tensor& TeacherOutputs::test_scores_of(const std::string& judge) const {
  const auto found = test_scores.find(judge);
  if (found != test_scores.end()) return found->second;
  throw Error(ErrorKind::kData, {.what = "the cached outputs of the teacher have none of this evaluation",
                                 .where = judge,
                                 .fix = "run the command again: the teacher is evaluated first"});
}

TeacherOutputs shuffle_teacher(const TeacherOutputs& outputs, const std::string& control, RandomStream stream) {
  const auto count = static_cast<std::int64_t>(outputs.clips.size());
  std::vector<std::int64_t> source(static_cast<std::size_t>(count));  // clip i gets the outputs of clip source[i]
  std::map<std::int64_t, std::vector<std::int64_t>> groups;
  if (control == kShuffledWithinClass) {
    const at::Tensor pseudo = outputs.pseudo_labels();
    for (std::int64_t i = 0; i < count; ++i) groups[pseudo.const_data_ptr<std::int64_t>()[i]].push_back(i);
  } else {
    groups[0].resize(static_cast<std::size_t>(count));
    std::iota(groups[0].begin(), groups[0].end(), std::int64_t{0});
  }
  for (const auto& [pseudo_class, members] : groups) {
    const std::vector<std::int64_t> order = stream.permutation(static_cast<std::int64_t>(members.size()));
    for (std::size_t i = 0; i < members.size(); ++i) {
      source[static_cast<std::size_t>(members[i])] = members[static_cast<std::size_t>(order[i])];
    }
  }
  at::Tensor rows = at::empty({count, outputs.windows}, at::kLong);
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t window = 0; window < outputs.windows; ++window) {
      rows.mutable_data_ptr<std::int64_t>()[i * outputs.windows + window] =
          source[static_cast<std::size_t>(i)] * outputs.windows + window;
    }
  }
  TeacherOutputs shuffled = outputs;
  shuffled.source = std::move(source);
  rows = rows.view(-1).to(outputs.logits.device());
  shuffled.logits = outputs.logits.index_select(0, rows);
  shuffled.embedding = outputs.embedding.index_select(0, rows);
  return shuffled;
}

}  // namespace cmkd
