#include "clip_record.h"

#include <ATen/Functions.h>

#include <cmath>

namespace cmkd::apps {

using nlohmann::ordered_json;

namespace {

ordered_json label_json(const ClipList& list, std::int64_t label) {
  const bool known = label >= 0 && label < static_cast<std::int64_t>(list.classes.size());
  return {{"index", label}, {"class", known ? ordered_json(list.classes[static_cast<std::size_t>(label)]) : nullptr}};
}

ordered_json tags_json(const ClipList& list, const std::vector<std::int64_t>& tags) {
  ordered_json json = ordered_json::array();
  for (const std::int64_t tag : tags) json.push_back(label_json(list, tag));
  return json;
}

// As a batch has it: the true label or tags, or null where they are hidden.
ordered_json label_in_batch(const BatchSource& source, const ClipList& list, const ClipDraw& draw) {
  Batch batch;
  source.fill_labels({draw}, batch);
  const bool known = batch.label_known.item<bool>();
  ordered_json json{{"label_known", known}};
  if (!list.multi_label) {
    json["label"] = batch.labels.item<std::int64_t>();
    return json;
  }
  json["tags"] = nullptr;
  if (!known) return json;
  std::vector<std::int64_t> tags;
  for (std::int64_t k = 0; k < batch.labels.size(1); ++k) {
    if (batch.labels[0][k].item<float>() == 1.0F) tags.push_back(k);
  }
  json["tags"] = tags;
  return json;
}

ordered_json corruption_json(const SuiteCell& cell, const ClipList& list, std::int64_t clip) {
  const CorruptionPlan* plan = cell.student->corruption();
  if (plan == nullptr) return nullptr;
  const CorruptionPlan::Entry& entry = plan->entries[static_cast<std::size_t>(clip)];
  const CorruptionKind kind = plan->settings.kind;
  ordered_json json{{"kind", to_string(kind)}, {"share", plan->settings.share}, {"corrupted", entry.corrupted}};
  if (!entry.corrupted) return json;
  if (kind == CorruptionKind::kNoise || kind == CorruptionKind::kSwap) {
    const Clip& other = list.clips[static_cast<std::size_t>(entry.source)];
    json["source"] = {{"clip", other.id}};
    json["source"].update(list.multi_label ? ordered_json{{"tags", tags_json(list, other.tags)}}
                                           : ordered_json{{"label", label_json(list, other.label)}});
  }
  if (kind == CorruptionKind::kNoise) json["snr_db"] = plan->settings.snr_db;
  if (kind == CorruptionKind::kShift) json["shift_s"] = plan->settings.shift_s;
  if (kind == CorruptionKind::kOcclude) {
    json["area"] = plan->settings.area;
    json["x"] = entry.x;
    json["y"] = entry.y;
  }
  return json;
}

ordered_json cell_name(const SuiteCell& cell) {
  ordered_json json = ordered_json::object();
  if (!cell.suite->condition.empty()) json["condition"] = cell.suite->condition;
  if (!cell.fold.empty()) json["fold"] = cell.fold;
  json["seed"] = cell.seed;
  return json;
}

}  // namespace

double seconds_json(double seconds) { return std::round(seconds * 1e6) / 1e6; }

ordered_json clip_json(const ClipShow& show, const FoundClip& found) {
  const ClipList& list = show.data.listed.list;
  const Clip& clip = found.of(list);
  ordered_json json{{"clip", clip.id}, {"suite", show.suite.name}, {"dataset", show.suite.dataset}};
  json["path"] = clip.path.string();
  if (!clip.audio_path.empty()) json["audio_path"] = clip.audio_path.string();
  if (!clip.feature_path.empty()) json["feature_path"] = clip.feature_path.string();
  if (clip.start_s > 0 || clip.end_s) {
    json["start_s"] = clip.start_s;
    json["end_s"] = clip.end_s ? ordered_json(*clip.end_s) : nullptr;
  }
  if (list.multi_label) {
    json["tags"] = tags_json(list, clip.tags);
  } else {
    json["label"] = label_json(list, clip.label);
  }
  if (list.folds.empty()) {
    json["split"] = clip.split;
  } else {
    for (std::size_t i = 0; i < std::min(list.folds.size(), clip.fold_splits.size()); ++i) {
      json["split_of_fold"][list.folds[i]] = clip.fold_splits[i];
    }
  }
  json["group"] = clip.group;
  if (!clip.truth.empty()) json["truth"] = clip.truth;
  if (found.unusable) {
    json["excluded"] = list.unusable[static_cast<std::size_t>(found.position)].reason;
    return json;
  }
  const CachedClip cached = show.data.cache.clip(found.position);
  json["excluded"] = cached.excluded ? ordered_json(cached.reason) : nullptr;
  json["note"] = cached.note;
  const IngestSettings& stored = show.data.cache.settings();
  json["cached"] = {{"frames", cached.frame_count}, {"samples", cached.sample_count}};
  if (stored.video) json["cached"].update({{"height", stored.height}, {"width", stored.width}, {"fps", stored.fps}});
  return json;
}

ordered_json window_json(const ClipShow& show, const ClipView& view) {
  const WindowSettings settings = show.cell.suite->window_settings();
  const WindowReader& reader = show.cell.student->reader();
  ordered_json json{{"kind", show.window.test ? "test view" : "training window"},
                    {"index", show.window.index},
                    {"of", show.window.test ? reader.test_views() : settings.windows}};
  if (show.data.cache.settings().video) {
    json["crop"] = {
        {"top", view.draw.top}, {"left", view.draw.left}, {"height", reader.height()}, {"width", reader.width()}};
  }
  json["damage_of"] = cell_name(show.cell);
  return json;
}

ordered_json frames_json(const ClipShow& show, const ClipView& view, const CachedClip& cached) {
  ordered_json frames = ordered_json::array();
  for (std::size_t t = 0; t < view.place.frames.size(); ++t) {
    const std::int64_t frame = view.place.frames[t];
    ordered_json json{
        {"frame", frame},
        {"time_s", seconds_json(static_cast<double>(cached.frame_time_s[static_cast<std::size_t>(frame)]))}};
    if (t > 0 && frame == view.place.frames[t - 1]) json["repeated"] = true;  // the clip has no more
    frames.push_back(std::move(json));
  }
  return {{"normalise", show.cell.suite->window_settings().normalise}, {"frames", frames}};
}

ordered_json cells_json(const ClipShow& show, const FoundClip& found) {
  ordered_json cells = ordered_json::array();
  if (found.unusable) return cells;
  const ClipList& list = show.data.listed.list;
  for (const SuiteCell& cell : show.cells) {
    ordered_json json = cell_name(cell);
    json["roles"] = roles_of(cell.student->roles(), found.position);
    ClipDraw draw;
    draw.clip = found.position;
    json["student"] = label_in_batch(*cell.student, list, draw);
    json["teacher"] = label_in_batch(*cell.teacher, list, draw);
    if (const ordered_json damage = corruption_json(cell, list, found.position); !damage.is_null()) {
      json["corruption"] = damage;
    }
    cells.push_back(std::move(json));
  }
  return cells;
}

}  // namespace cmkd::apps
