// Decoded clips on disk, read by memory map: each media file is decoded once, and training never decodes again.
//
// A cache is a folder of shards and one index, committed last: it is whole or not there. Every shard is checked against
// its checksum when the cache is opened.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cmkd/datasets/clip.h"

namespace cmkd {

// A view into the map; lives as long as the cache.
struct CachedClip {
  std::string id;
  bool excluded = false;
  std::string reason;  // why excluded: "no_audio_stream: …"
  std::string note;    // of a clip that is used all the same: "truncated: after 33 of 708 frames"
  std::int64_t frame_count = 0;
  std::span<const std::uint8_t> pixels;  // [T, 3, H, W]; frame k at k * 3 * H * W (storage "raw")
  std::span<const float> frame_time_s;   // [T]
  std::int64_t sample_count = 0;
  std::span<const float> samples;  // [n] (storage "float32")
};

// A clip with its pixels and samples as training wants them, whatever the storage. Views into the map where the cache
// stores them so ("raw", "float32"), else decoded into memory that this object owns. Move-only.
struct LoadedClip {
  CachedClip clip;  // `pixels` are those of frames first_frame … first_frame + loaded_frames - 1
  std::int64_t first_frame = 0;
  std::int64_t loaded_frames = 0;
  std::vector<std::uint8_t> owned_pixels;
  std::vector<float> owned_samples;

  LoadedClip() = default;
  LoadedClip(LoadedClip&&) noexcept = default;
  LoadedClip& operator=(LoadedClip&&) noexcept = default;
};

class ClipCache {
 public:
  // Opens and verifies. Throws Error(kData): not a cache, another version, another source fingerprint than
  // `expected_fingerprint` (when not empty), a shard that is missing or whose checksum differs (naming it and the
  // remedy).
  [[nodiscard]] static ClipCache open(const std::filesystem::path& folder,
                                      const std::string& expected_fingerprint = "");
  // Clips that are all alike, made in memory: what reads a cache can be built and timed before there is one. `frames`
  // is the length of each; of sound it has a second.
  [[nodiscard]] static ClipCache stand_in(const IngestSettings& settings, std::int64_t clips, std::int64_t frames);
  ~ClipCache();
  ClipCache(ClipCache&&) noexcept;
  ClipCache& operator=(ClipCache&&) noexcept;

  [[nodiscard]] std::int64_t size() const noexcept;         // all clips of the list, excluded ones too, in its order
  [[nodiscard]] CachedClip clip(std::int64_t index) const;  // cheap; thread-safe
  // Frames first_frame … first_frame + frames - 1 (frames < 0: to the end) and all samples, for every storage;
  // thread-safe.
  [[nodiscard]] LoadedClip load(std::int64_t index, std::int64_t first_frame = 0, std::int64_t frames = -1) const;
  [[nodiscard]] const IngestSettings& settings() const noexcept;
  [[nodiscard]] const std::string& source_fingerprint() const noexcept;
  [[nodiscard]] const std::string& decoded_fingerprint() const noexcept;
  [[nodiscard]] std::uint64_t bytes() const noexcept;

 private:
  struct State;
  explicit ClipCache(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Identity of a dataset under given settings: file bytes, labels, splits, groups, ingest settings, cache version.
// Hashing reads every file once; results are remembered in `memo_file` by path, size and modification time (ns).
[[nodiscard]] std::string source_fingerprint(const ClipSource& source, const ClipList& list,
                                             const IngestSettings& settings, const std::filesystem::path& memo_file);

struct IngestPlan {
  std::int64_t clips = 0;
  std::uint64_t estimated_bytes = 0;  // upper estimate from probing a sample of files
};
[[nodiscard]] IngestPlan plan_ingest(const ClipSource& source, const ClipList& list, const IngestSettings& settings);

struct IngestOptions {
  int jobs = 1;  // files decoded at once, one thread each; less where decoders would exceed the memory limit
  std::uint64_t decoder_memory_limit_bytes = std::uint64_t{300} << 20;  // of all decoders together
  std::function<void(std::int64_t done, std::int64_t total)> progress = {};
};

// Makes the cache in `folder` unless it is there already. Resumable: shards finished before a kill are kept, and the
// result has the same bytes as that of an uninterrupted ingest with any number of jobs. Refuses before it starts when
// the disk lacks space. One process at a time (file lock). SIGINT ends it after the clips in work with
// Error(kInterrupted); finished shards stay.
ClipCache ingest(const ClipSource& source, const ClipList& list, const IngestSettings& settings,
                 const std::string& fingerprint, const std::filesystem::path& folder, const IngestOptions& options);

}  // namespace cmkd
