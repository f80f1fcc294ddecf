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
  ordered_json object = ordered_json::array();
  for (const std::int64_t tag : tags) object.push_back(label_json(list, tag));
  return object;
}

// As a batch has it: the true label or tags, or null where they are hidden.
ordered_json label_in_batch(const BatchSource& source, const ClipList& list, const ClipDraw& draw) {
  Batch batch;
  source.fill_labels({draw}, batch);
  const bool known = batch.label_known.item<bool>();
  ordered_json object{{"label_known", known}};
  if (!list.multi_label) {
    object["label"] = batch.labels.item<std::int64_t>();
    return object;
  }
  object["tags"] = nullptr;
  if (!known) return object;
  std::vector<std::int64_t> tags;
  for (std::int64_t k = 0; k < batch.labels.size(1); ++k) {
    if (batch.labels[0][k].item<float>() == 1.0F) tags.push_back(k);
  }
  object["tags"] = tags;
  return object;
}

ordered_json corruption_json(const SuiteCell& cell, const ClipList& list, std::int64_t clip) {
  const CorruptionPlan* plan = cell.student->corruption();
  if (plan == nullptr) return nullptr;
  const CorruptionPlan::Entry& entry = plan->entries[static_cast<std::size_t>(clip)];
  const CorruptionKind kind = plan->settings.kind;
  ordered_json object{{"kind", to_string(kind)}, {"share", plan->settings.share}, {"corrupted", entry.corrupted}};
  if (!entry.corrupted) return object;
  if (kind == CorruptionKind::kNoise || kind == CorruptionKind::kSwap) {
    const Clip& other = list.clips[static_cast<std::size_t>(entry.source)];
    object["source"] = {{"clip", other.id}};
    object["source"].update(list.multi_label ? ordered_json{{"tags", tags_json(list, other.tags)}}
                                             : ordered_json{{"label", label_json(list, other.label)}});
  }
  if (kind == CorruptionKind::kNoise) object["snr_db"] = plan->settings.snr_db;
  if (kind == CorruptionKind::kShift) object["shift_s"] = plan->settings.shift_s;
  if (kind == CorruptionKind::kOcclude) {
    object["area"] = plan->settings.area;
    object["x"] = entry.x;
    object["y"] = entry.y;
  }
  return object;
}

ordered_json cell_name(const SuiteCell& cell) {
  ordered_json object = ordered_json::object();
  if (!cell.suite->condition().empty()) object["condition"] = cell.suite->condition();
  if (!cell.fold.empty()) object["fold"] = cell.fold;
  object["seed"] = cell.seed;
  return object;
}

}  // namespace

double seconds_json(double seconds) { return std::round(seconds * 1e6) / 1e6; }

ordered_json clip_json(const ClipShow& show, const FoundClip& found) {
  const ClipList& list = show.data.listed.list;
  const Clip& clip = found.of(list);
  ordered_json object{{"clip", clip.id}, {"suite", show.suite.name}, {"dataset", show.suite.dataset}};
  object["path"] = clip.path.string();
  if (!clip.audio_path.empty()) object["audio_path"] = clip.audio_path.string();
  if (!clip.feature_path.empty()) object["feature_path"] = clip.feature_path.string();
  if (clip.start_s > 0 || clip.end_s) {
    object["start_s"] = clip.start_s;
    object["end_s"] = clip.end_s ? ordered_json(*clip.end_s) : nullptr;
  }
  if (list.multi_label) {
    object["tags"] = tags_json(list, clip.tags);
  } else {
    object["label"] = label_json(list, clip.label);
  }
  if (list.folds.empty()) {
    object["split"] = clip.split;
  } else {
    for (std::size_t i = 0; i < std::min(list.folds.size(), clip.fold_splits.size()); ++i) {
      object["split_of_fold"][list.folds[i]] = clip.fold_splits[i];
    }
  }
  object["group"] = clip.group;
  if (!clip.truth.empty()) object["truth"] = clip.truth;
  if (found.unusable) {
    object["excluded"] = list.unusable[static_cast<std::size_t>(found.position)].reason;
    return object;
  }
  const CachedClip cached = show.data.cache.clip(found.position);
  object["excluded"] = cached.excluded ? ordered_json(cached.reason) : nullptr;
  object["note"] = cached.note;
  const IngestSettings& stored = show.data.cache.settings();
  object["cached"] = {{"frames", cached.frame_count}, {"samples", cached.sample_count}};
  if (stored.video) object["cached"].update({{"height", stored.height}, {"width", stored.width}, {"fps", stored.fps}});
  return object;
}

ordered_json window_json(const ClipShow& show, const ClipView& view) {
  const WindowSettings& settings = show.cell.suite->clip.values;
  const WindowReader& reader = show.cell.student->reader();
  ordered_json object{{"kind", show.window.test ? "test view" : "training window"},
                      {"index", show.window.index},
                      {"of", show.window.test ? reader.test_views() : settings.windows}};
  if (show.data.cache.settings().video) {
    object["crop"] = {
        {"top", view.draw.top}, {"left", view.draw.left}, {"height", reader.height()}, {"width", reader.width()}};
  }
  object["damage_of"] = cell_name(show.cell);
  return object;
}

ordered_json frames_json(const ClipShow& show, const ClipView& view, const CachedClip& cached) {
  ordered_json frames = ordered_json::array();
  for (std::size_t t = 0; t < view.place.frames.size(); ++t) {
    const std::int64_t frame = view.place.frames[t];
    ordered_json object{
        {"frame", frame},
        {"time_s", seconds_json(static_cast<double>(cached.frame_time_s[static_cast<std::size_t>(frame)]))}};
    if (t > 0 && frame == view.place.frames[t - 1]) object["repeated"] = true;  // the clip has no more
    frames.push_back(std::move(object));
  }
  return {{"normalise", to_string(show.cell.suite->clip.values.normalise)}, {"frames", frames}};
}

ordered_json cells_json(const ClipShow& show, const FoundClip& found) {
  ordered_json cells = ordered_json::array();
  if (found.unusable) return cells;
  const ClipList& list = show.data.listed.list;
  for (const SuiteCell& cell : show.cells) {
    ordered_json object = cell_name(cell);
    object["roles"] = roles_of(cell.student->roles(), found.position);
    ClipDraw draw;
    draw.clip = found.position;
    object["student"] = label_in_batch(*cell.student, list, draw);
    object["teacher"] = label_in_batch(*cell.teacher, list, draw);
    if (const ordered_json damage = corruption_json(cell, list, found.position); !damage.is_null()) {
      object["corruption"] = damage;
    }
    cells.push_back(std::move(object));
  }
  return cells;
}

}  // namespace cmkd::apps
