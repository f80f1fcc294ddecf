// Sources whose clips are made in memory, for tests of what happens after decoding.
#pragma once

#include <cstdint>
#include <string>

#include "cmkd/core/hash.h"
#include "cmkd/core/random.h"
#include "cmkd/datasets/clip.h"

namespace cmkd::test {

// Every seventh clip fails; clip 5 carries a note. Pixels and samples are a function of the clip's id.
class FakeSource final : public ClipSource {
 public:
  explicit FakeSource(std::int64_t clips, std::string salt = "") : clips_(clips), salt_(std::move(salt)) {}

  ClipList list() override {
    ClipList list;
    list.classes = {"even", "odd"};
    for (std::int64_t k = 0; k < clips_; ++k) {
      Clip clip;
      clip.id = "clip" + std::to_string(k);
      clip.path = clip.id;
      clip.label = k % 2;
      clip.split = k % 4 == 3 ? "test" : "train";
      clip.group = clip.id;
      list.clips.push_back(clip);
    }
    return list;
  }

  media::Outcome<DecodedClip> decode(const Clip& clip, const IngestSettings& settings) const override {
    const std::int64_t number = std::stoll(clip.id.substr(4));
    if (number % 7 == 6) return media::Failure{media::FailureReason::kNoAudioStream, "made without sound"};
    RandomStream stream = RandomStreams("fake", clip.id + salt_, 0).stream("content");
    DecodedClip decoded;
    decoded.frame_count = 1 + number % 5;
    decoded.height = settings.height;
    decoded.width = settings.width;
    const std::int64_t bytes = decoded.frame_count * 3 * settings.height * settings.width;
    // Smooth pictures, so that JPEG comes near them.
    const auto base = static_cast<std::int64_t>(stream.below(100));
    for (std::int64_t k = 0; k < bytes; ++k) {
      decoded.pixels.push_back(static_cast<std::uint8_t>(base + k % settings.width * 4));
    }
    for (std::int64_t k = 0; k < decoded.frame_count; ++k) decoded.frame_time_s.push_back(static_cast<float>(k) / 8);
    for (std::int64_t k = 0; k < 50 + number; ++k)
      decoded.samples.push_back(static_cast<float>(stream.uniform(-1.5, 1.5)));
    if (number == 5) decoded.note = "video truncated: after 1 of 9 frames";
    return decoded;
  }

  std::string content_hash(const Clip& clip, const FileHash&) const override {
    ++hashed;
    return hash_hex(clip.id + salt_);
  }
  std::string origin_hash(const ClipList&, const FileHash&) const override { return origin; }

  mutable std::int64_t hashed = 0;  // contents that were asked for
  std::string origin;               // what its clips are made from, if it says

 private:
  std::int64_t clips_;
  std::string salt_;
};

}  // namespace cmkd::test
