#include "clip_files.h"

#include <ATen/Functions.h>
#include <fmt/format.h>

#include <cmath>
#include <span>

#include "clip_record.h"
#include "cmkd/core/file.h"
#include "cmkd/core/hash.h"
#include "cmkd/media/contact_sheet.h"
#include "cmkd/media/wav.h"

namespace cmkd::apps {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

namespace {

constexpr std::size_t kLongestFolderName = 100;

std::span<const float> values_in(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

// Writes the files of one side; their names begin with `prefix`.
class SideFiles {
 public:
  SideFiles(const fs::path& folder, std::string prefix, std::vector<std::string>& files)
      : folder_(folder), prefix_(std::move(prefix)), files_(files) {}

  ordered_json frames(const at::Tensor& tensor, const std::vector<std::string>& captions) {
    const at::Tensor pixels = tensor.contiguous();
    const auto sheet = media::contact_sheet(
        {pixels.const_data_ptr<std::uint8_t>(), static_cast<std::size_t>(pixels.numel())},
        static_cast<int>(pixels.size(1)), static_cast<int>(pixels.size(2)), static_cast<int>(pixels.size(3)), captions);
    const std::string name = file("frames.png");
    media::write_png(folder_ / name, sheet.picture);
    ordered_json corners = ordered_json::array();
    for (const auto& corner : sheet.corners) corners.push_back({corner.left, corner.top});
    return {{"file", name}, {"scale", sheet.scale}, {"left_top", corners}};
  }

  ordered_json sound(const at::Tensor& tensor, int sample_rate) {
    const at::Tensor samples = tensor.contiguous();
    const std::string name = file("sound.wav");
    const media::WavWritten wav = media::write_wav(folder_ / name, values_in(samples), sample_rate);
    return {{"file", name},
            {"sample_rate", sample_rate},
            {"samples", samples.numel()},
            {"peak", wav.peak},
            {"wav_gain", wav.gain}};
  }

  ordered_json spectrogram(const at::Tensor& samples, LogMel& log_mel) {
    const at::NoGradGuard no_grad;
    return band_picture(log_mel.forward(samples.unsqueeze(0))[0], "spectrogram.png");
  }

  // bands [n_mels, frames]
  ordered_json band_picture(const at::Tensor& bands, const char* file_name) {
    const at::Tensor values = bands.contiguous();
    const auto map =
        media::heat_map(values_in(values), static_cast<int>(values.size(0)), static_cast<int>(values.size(1)));
    const std::string name = file(file_name);
    media::write_png(folder_ / name, map.picture);
    return {
        {"file", name},          {"mel_bands", values.size(0)},    {"frames", values.size(1)},  {"darkest", map.low},
        {"brightest", map.high}, {"scale_right", map.scale_right}, {"scale_up", map.scale_down}};
  }

 private:
  std::string file(const char* name) {
    files_.push_back(prefix_ + name);
    return files_.back();
  }

  const fs::path& folder_;
  std::string prefix_;
  std::vector<std::string>& files_;
};

std::vector<std::string> captions_of(const ClipView& view, const CachedClip& cached) {
  std::vector<std::string> captions;
  for (const std::int64_t frame : view.place.frames) {
    captions.push_back(
        fmt::format("{:.3f} s", static_cast<double>(cached.frame_time_s[static_cast<std::size_t>(frame)])));
  }
  return captions;
}

// Whose input the undamaged clip is in this modality.
std::vector<std::string> seen_by(const ClipShow& show, const ClipView& view, Modality modality) {
  std::vector<std::string> sides;
  if (show.suite.student.modality == modality) sides.emplace_back("student");
  if (show.suite.teacher.modality == modality && !view.of_teacher) sides.emplace_back("teacher");
  return sides;
}

void add_values(ordered_json& json, const at::Tensor& samples) {
  const at::Tensor values = samples.contiguous();
  json["values"] = std::vector<float>(values_in(values).begin(), values_in(values).end());
}

void add_clip_as_it_is(const ClipShow& show, const ClipView& view, const CachedClip& cached, SideFiles files,
                       ordered_json& record) {
  if (view.clip.frames.defined()) {
    record["frames"] = files.frames(view.clip.frames, captions_of(view, cached));
    record["frames"]["seen_by"] = seen_by(show, view, Modality::kVideo);
    record["frames"].update(frames_json(show, view, cached));
  }
  if (!view.clip.samples.defined()) return;
  const IngestSettings& stored = show.data.cache.settings();
  if (stored.sound_is_features()) {
    add_values(record["feature"], view.clip.samples);
    record["feature"]["seen_by"] = seen_by(show, view, Modality::kAudio);
    return;
  }
  record["sound"] = files.sound(view.clip.samples, stored.sample_rate);
  record["sound"]["seen_by"] = seen_by(show, view, Modality::kAudio);
  record["sound"]["start_s"] =
      seconds_json(static_cast<double>(view.place.first_sample) / static_cast<double>(stored.sample_rate));
  record["sound"]["samples_of_clip"] = view.place.samples;  // the rest is silence beyond its end
  LogMel* log_mel = show.student_mel ? show.student_mel.get() : show.teacher_mel.get();
  if (log_mel == nullptr) return;
  record["spectrogram"] = files.spectrogram(view.clip.samples, *log_mel);
  record["spectrogram"]["as_in"] = show.student_mel ? "student" : "teacher";
}

// What only the teacher sees: damaged pairs, and its own spectrogram beside a student that hears too.
ordered_json teacher_side_json(const ClipShow& show, const ClipView& view, const CachedClip& cached, SideFiles files) {
  ordered_json json;
  const SeenClip& seen = view.of_teacher ? *view.of_teacher : view.clip;
  const IngestSettings& stored = show.data.cache.settings();
  const bool damaged = view.of_teacher.has_value();
  if (damaged) json["damaged"] = true;
  if (damaged && seen.frames.defined()) json["frames"] = files.frames(seen.frames, captions_of(view, cached));
  if (!seen.samples.defined()) return json;
  if (stored.sound_is_features()) {
    if (damaged) add_values(json["feature"], seen.samples);
    return json;
  }
  if (damaged) json["sound"] = files.sound(seen.samples, stored.sample_rate);
  if (show.teacher_mel && (damaged || show.student_mel)) {
    json["spectrogram"] = files.spectrogram(seen.samples, *show.teacher_mel);
  }
  return json;
}

// What the kept model makes of the clip: masked_…, rebuilt_….
ordered_json rebuilt_json(const ClipShow& show, const ClipView& view, const CachedClip& cached, std::int64_t position,
                          const fs::path& folder, std::vector<std::string>& files) {
  const RebuiltClip rebuilt =
      rebuild_clip(show.suite, show.data, *show.rebuilder->planned, show.rebuilder->weights, position, show.window);
  SideFiles masked(folder, "masked_", files);
  SideFiles whole(folder, "rebuilt_", files);
  ordered_json json{{"by", show.rebuilder->planned->label}, {"training", show.rebuilder->planned->key}};
  if (rebuilt.masked_frames.defined()) {
    const std::vector<std::string> captions = captions_of(view, cached);
    json["masked_frames"] = masked.frames(rebuilt.masked_frames, captions);
    json["frames"] = whole.frames(rebuilt.rebuilt_frames, captions);
    json["hidden_pixels_mse"] = rebuilt.hidden_error;
  }
  if (rebuilt.spectrogram.defined()) {
    json["masked_spectrogram"] = masked.band_picture(rebuilt.masked_spectrogram, "spectrogram.png");
    json["spectrogram"] = whole.band_picture(rebuilt.rebuilt_spectrogram, "spectrogram.png");
  }
  return json;
}

}  // namespace

std::string safe_folder_name(const std::string& id) {
  std::string name;
  for (const char letter : id) {
    const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                       (letter >= '0' && letter <= '9') ||
                       std::string_view("._-@+=,").find(letter) != std::string::npos;
    name += plain ? letter : '_';
  }
  if (name.empty() || name.front() == '-' || name.front() == '.') name.insert(0, 1, '_');
  name.resize(std::min(name.size(), kLongestFolderName));
  return name == id ? name : name + "-" + hash_hex(id).substr(0, 8);
}

ordered_json write_clip(const ClipShow& show, const FoundClip& found, const fs::path& folder) {
  ordered_json record = clip_json(show, found);
  std::vector<std::string> files;
  const bool has_data = !found.unusable && !show.data.cache.clip(found.position).excluded;
  if (has_data) {
    const CachedClip cached = show.data.cache.clip(found.position);
    const ClipView view = view_clip(show.cell, show.data, found.position, show.window);
    record["window"] = window_json(show, view);
    add_clip_as_it_is(show, view, cached, {folder, "", files}, record);
    const ordered_json of_teacher = teacher_side_json(show, view, cached, {folder, "teacher_", files});
    if (!of_teacher.is_null()) record["teacher_side"] = of_teacher;
    if (show.rebuilder) record["rebuilt"] = rebuilt_json(show, view, cached, found.position, folder, files);
  }
  record["cells"] = cells_json(show, found);
  files.emplace_back("clip.json");
  record["files"] = files;
  write_file_atomically(folder / "clip.json", record.dump(2) + "\n");
  return record;
}

}  // namespace cmkd::apps
