// One shard of a clip cache: the payload of up to kClipsPerShard clips, then a table of records, then a checksum.
//
//   header   "CMKDCLIP", version, number of the shard, source fingerprint
//   payload  of each clip, every part aligned to 64 bytes
//   table    one record for each clip
//   footer   offset of the table, XXH3-128 of everything before, as 32 digits
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cmkd/core/file.h"
#include "cmkd/core/hash.h"
#include "cmkd/datasets/clip.h"

namespace cmkd {

// Raised whenever a shard is written in another way, or the same files are decoded to other clips: part of the source
// fingerprint. 2: picture and sound on one clock, findings noted.
inline constexpr std::uint32_t kCacheVersion = 2;
inline constexpr std::int64_t kClipsPerShard = 32;
inline constexpr int kLargestSide = 65535;  // of a picture, in pixels

// Where a clip's parts lie in its shard.
struct ShardRecord {
  std::string id;
  std::string reason;  // why excluded; empty: it is used
  std::string note;
  std::string hash;  // of the stored parts
  std::int64_t frame_count = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t sample_count = 0;
  std::uint64_t pixels_offset = 0;  // raw: [T, 3, H, W]; jpeg: T + 1 offsets (u64, from here), then the pictures
  std::uint64_t pixels_bytes = 0;
  std::uint64_t times_offset = 0;
  std::uint64_t samples_offset = 0;
  double sample_scale = 1;  // int16: sample = stored * sample_scale
};

[[nodiscard]] std::filesystem::path shard_path(const std::filesystem::path& folder, std::int64_t shard);
// Whether a file of this name belongs to a cache folder.
[[nodiscard]] bool is_cache_file(const std::string& name);

// Writes one shard beside its place and commits it. Not thread-safe. Unless committed, the destructor removes the file.
class ShardWriter {
 public:
  ShardWriter(std::filesystem::path path, std::int64_t shard, const std::string& fingerprint);
  ~ShardWriter();
  ShardWriter(const ShardWriter&) = delete;
  ShardWriter& operator=(const ShardWriter&) = delete;

  void add(const Clip& clip, const DecodedClip& decoded, const IngestSettings& settings);
  void add_excluded(const Clip& clip, const std::string& reason);
  void commit();

 private:
  void write(const void* data, std::size_t size);
  std::uint64_t write_part(std::span<const std::byte> bytes, Hasher& contents);
  void write_pixels(const DecodedClip& decoded, const IngestSettings& settings, ShardRecord& record, Hasher& contents);
  void write_samples(const DecodedClip& decoded, const IngestSettings& settings, ShardRecord& record, Hasher& contents);

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::FILE* file_ = nullptr;
  std::uint64_t position_ = 0;
  Hasher checksum_;
  std::vector<ShardRecord> records_;
};

// A mapped shard whose checksum was right.
class Shard {
 public:
  // Throws Error(kData): not a shard, another version or fingerprint, damaged.
  Shard(const std::filesystem::path& path, std::int64_t shard, const std::string& fingerprint);

  [[nodiscard]] const std::vector<ShardRecord>& records() const noexcept { return records_; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return file_.bytes(); }
  [[nodiscard]] const std::string& checksum() const noexcept { return checksum_; }

 private:
  MappedFile file_;
  std::string checksum_;
  std::vector<ShardRecord> records_;
};

// Throws Error(kData) unless the shard holds, in the form that the settings state, all that its records name.
void require_sound_records(const Shard& shard, const IngestSettings& settings, const std::filesystem::path& path);

}  // namespace cmkd
