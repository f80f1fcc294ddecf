#include "check_clip.h"

#include <fmt/format.h>

#include <cmath>

#include "cmkd/datasets/examine.h"

namespace cmkd {

namespace {

IngestSettings settings_for_check(bool picture, bool sound) {
  IngestSettings settings;
  settings.video = picture;
  settings.audio = sound;
  settings.height = settings.width = 64;
  settings.fps = 0;  // every frame
  return settings;
}

}  // namespace

CheckedClip decode_for_check(const ClipSource& source, const Clip& clip, bool picture, bool sound) {
  CheckedClip checked;
  const media::Outcome<DecodedClip> whole = decode_examined(source, clip, settings_for_check(picture, sound));
  if (whole) {
    checked.picture = picture;
    checked.sound = sound;
    checked.findings = whole.value().findings;
    return checked;
  }
  checked.excluded = whole.failure().reason == media::FailureReason::kUnusableSamples;
  const std::string fault = media::describe(whole.failure());
  checked.picture_fault = picture ? fault : std::string();
  checked.sound_fault = sound ? fault : std::string();
  if (!picture || !sound) {
    checked.excluded = true;
    return checked;
  }
  // One of the two may be good.
  const media::Outcome<DecodedClip> seen = decode_examined(source, clip, settings_for_check(true, false));
  const media::Outcome<DecodedClip> heard = decode_examined(source, clip, settings_for_check(false, true));
  checked.picture = seen.ok();
  checked.sound = heard.ok();
  checked.picture_fault = seen ? std::string() : media::describe(seen.failure());
  checked.sound_fault = heard ? std::string() : media::describe(heard.failure());
  checked.excluded = checked.excluded || !(seen || heard);
  for (const media::Outcome<DecodedClip>* one : {&seen, &heard}) {
    if (*one)
      checked.findings.insert(checked.findings.end(), one->value().findings.begin(), one->value().findings.end());
  }
  return checked;
}

std::vector<ClipFinding> findings_by_headers(const media::MediaInfo& info) {
  if (info.video.empty() || info.audio.empty()) return {};
  const double offset_s = info.audio.front().start_s - info.video.front().start_s;
  if (std::abs(offset_s) <= kNotedOffset_s) return {};
  return {{"sound_offset", fmt::format("by the headers, sound begins {:.3f} s {} the picture", std::abs(offset_s),
                                       offset_s > 0 ? "after" : "before")}};
}

}  // namespace cmkd
