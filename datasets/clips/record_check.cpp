// A shard's checksum guards against accidents; a cache that somebody else made may say anything. What the records name
// is looked at here once, when a cache is opened, so that nothing that reads clips has to ask again.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "cmkd/core/error.h"
#include "shard.h"

namespace cmkd {

namespace {

using Bytes = std::span<const std::byte>;

// bytes[offset, offset + count * size) when that lies in the file and the values lie where they may be read.
bool has_part(Bytes bytes, std::uint64_t offset, std::int64_t count, std::size_t size) {
  if (count < 0 || static_cast<std::uint64_t>(count) > bytes.size() / size) return false;
  const std::uint64_t length = static_cast<std::uint64_t>(count) * size;
  return length == 0 || (offset % size == 0 && offset <= bytes.size() && length <= bytes.size() - offset);
}

// T + 1 ascending offsets, then the pictures between them.
bool has_pictures(Bytes stored, std::int64_t frames) {
  const auto count = static_cast<std::uint64_t>(frames) + 1;
  if (count > stored.size() / sizeof(std::uint64_t)) return false;
  std::uint64_t before = count * sizeof(std::uint64_t);
  for (std::uint64_t k = 0; k < count; ++k) {
    std::uint64_t offset = 0;
    std::memcpy(&offset, stored.data() + k * sizeof offset, sizeof offset);
    if (offset < before || offset > stored.size()) return false;
    before = offset;
  }
  return true;
}

bool has_pixels(Bytes bytes, const ShardRecord& record, const IngestSettings& settings) {
  const bool side_is_sound = std::min(record.height, record.width) >= 0 &&
                             std::max(record.height, record.width) <= kLargestSide && record.frame_count >= 0;
  if (!side_is_sound || record.pixels_bytes > bytes.size()) return false;
  if (!has_part(bytes, record.pixels_offset, static_cast<std::int64_t>(record.pixels_bytes), 1)) return false;
  if (record.frame_count == 0) return true;
  if (settings.video && (record.height != settings.height || record.width != settings.width)) return false;
  if (settings.frame_storage == FrameStorage::kJpeg)
    return has_pictures(bytes.subspan(record.pixels_offset, record.pixels_bytes), record.frame_count);
  const auto frame_bytes = static_cast<std::uint64_t>(3 * record.height * record.width);
  return frame_bytes == 0 ? record.pixels_bytes == 0
                          : record.pixels_bytes % frame_bytes == 0 &&
                                record.pixels_bytes / frame_bytes == static_cast<std::uint64_t>(record.frame_count);
}

// Sound is looked for by these.
bool has_times(Bytes bytes, const ShardRecord& record) {
  constexpr float kLongest_s = 1e7F;
  if (!has_part(bytes, record.times_offset, record.frame_count, sizeof(float))) return false;
  for (std::int64_t k = 0; k < record.frame_count; ++k) {
    float time_s = 0;
    std::memcpy(&time_s, bytes.data() + record.times_offset + static_cast<std::uint64_t>(k) * sizeof time_s,
                sizeof time_s);
    if (!(std::abs(time_s) <= kLongest_s)) return false;
  }
  return true;
}

// What is wrong with a record; "" when nothing is.
const char* fault_of(Bytes bytes, const ShardRecord& record, const IngestSettings& settings) {
  if (!has_pixels(bytes, record, settings)) return "pictures";
  if (!has_times(bytes, record)) return "times";
  const std::size_t sample_bytes =
      settings.audio_storage == AudioStorage::kInt16 ? sizeof(std::int16_t) : sizeof(float);
  if (!has_part(bytes, record.samples_offset, record.sample_count, sample_bytes)) return "samples";
  const bool used = record.reason.empty();
  if (used && settings.video && record.frame_count == 0) return "pictures";
  if (used && settings.sound_is_features() && record.sample_count != settings.feature_values) return "samples";
  return "";
}

}  // namespace

void require_sound_records(const Shard& shard, const IngestSettings& settings, const std::filesystem::path& path) {
  for (const ShardRecord& record : shard.records()) {
    const std::string fault = fault_of(shard.bytes(), record, settings);
    if (fault.empty()) continue;
    throw Error(ErrorKind::kData,
                {.what = fmt::format("the shard is damaged: it does not hold the {} that it states for clip '{}'",
                                     fault, record.id),
                 .where = path.string(),
                 .fix = "delete the cache folder and run 'cmkd ingest' again"});
  }
}

}  // namespace cmkd
