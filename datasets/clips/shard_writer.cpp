#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <system_error>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/media/jpeg.h"
#include "shard.h"

namespace cmkd {

static_assert(std::endian::native == std::endian::little, "the cache's numbers are little-endian");

namespace {

constexpr std::size_t kAlignment = 64;

void put(std::string& out, std::uint64_t value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

void put(std::string& out, const std::string& text) {
  put(out, static_cast<std::uint64_t>(text.size()));
  out += text;
}

std::string serialise(const ShardRecord& record) {
  std::string out;
  put(out, record.id);
  put(out, record.reason);
  put(out, record.note);
  put(out, record.hash);
  for (const std::int64_t value : {record.frame_count, record.height, record.width, record.sample_count}) {
    put(out, static_cast<std::uint64_t>(value));
  }
  for (const std::uint64_t value :
       {record.pixels_offset, record.pixels_bytes, record.times_offset, record.samples_offset}) {
    put(out, value);
  }
  put(out, std::bit_cast<std::uint64_t>(record.sample_scale));
  return out;
}

// A power-of-two scale would waste up to half of the range; the peak itself becomes 32767.
double scale_for(const std::vector<float>& samples) {
  float peak = 0;
  for (const float sample : samples) peak = std::max(peak, std::abs(sample));
  return peak > 0 ? static_cast<double>(peak) / 32767.0 : 1.0;
}

}  // namespace

std::filesystem::path shard_path(const std::filesystem::path& folder, std::int64_t shard) {
  return folder / fmt::format("shard-{:06d}.cmkd", shard);
}

bool is_cache_file(const std::string& name) {
  return name == "index.json" || name == "ingest.lock" || name.starts_with("index.json.") ||
         (name.starts_with("shard-") && (name.ends_with(".cmkd") || name.ends_with(".cmkd.partial")));
}

ShardWriter::ShardWriter(std::filesystem::path path, std::int64_t shard, const std::string& fingerprint)
    : path_(std::move(path)), temporary_(path_.string() + ".partial") {
  file_ = std::fopen(temporary_.c_str(), "wb");
  if (file_ == nullptr) {
    throw Error(ErrorKind::kEnvironment,
                {.what = fmt::format("cannot write a shard: {}", std::strerror(errno)), .where = temporary_.string()});
  }
  std::string header = "CMKDCLIP";
  put(header, std::uint64_t{kCacheVersion});
  put(header, static_cast<std::uint64_t>(shard));
  put(header, fingerprint);
  write(header.data(), header.size());
}

ShardWriter::~ShardWriter() {
  if (file_ == nullptr) return;
  std::fclose(file_);
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

void ShardWriter::write(const void* data, std::size_t size) {
  if (size == 0) return;  // a part may be empty, and have no address
  if (std::fwrite(data, 1, size, file_) != size) {
    const int error = errno;
    throw Error(
        ErrorKind::kEnvironment,
        {.what = fmt::format("cannot write a shard: {}", std::strerror(error)),
         .where = temporary_.string(),
         .fix = error == ENOSPC ? "free some space and run the same command again: finished shards are kept" : ""});
  }
  checksum_.update({static_cast<const std::byte*>(data), size});
  position_ += size;
}

std::uint64_t ShardWriter::write_part(std::span<const std::byte> bytes, Hasher& contents) {
  constexpr char kZeros[kAlignment] = {};
  write(kZeros, (kAlignment - position_ % kAlignment) % kAlignment);
  const std::uint64_t offset = position_;
  write(bytes.data(), bytes.size());
  contents.field(static_cast<std::int64_t>(bytes.size())).update(bytes);
  return offset;
}

void ShardWriter::write_pixels(const DecodedClip& decoded, const IngestSettings& settings, ShardRecord& record,
                               Hasher& contents) {
  record.frame_count = decoded.frame_count;
  record.height = decoded.height;
  record.width = decoded.width;
  if (settings.frame_storage == FrameStorage::kRaw) {
    record.pixels_bytes = decoded.pixels.size();
    record.pixels_offset = write_part(std::as_bytes(std::span(decoded.pixels)), contents);
  } else {
    const auto frames = static_cast<std::size_t>(decoded.frame_count);
    const std::size_t frame_bytes = frames == 0 ? 0 : decoded.pixels.size() / frames;
    std::string offsets;
    std::string pictures;
    for (std::size_t k = 0; k < frames; ++k) {
      put(offsets, static_cast<std::uint64_t>((frames + 1) * sizeof(std::uint64_t) + pictures.size()));
      const std::vector<std::uint8_t> picture = media::encode_jpeg(
          std::span(decoded.pixels).subspan(k * frame_bytes, frame_bytes), decoded.height, decoded.width);
      pictures.append(reinterpret_cast<const char*>(picture.data()), picture.size());
    }
    put(offsets, static_cast<std::uint64_t>((frames + 1) * sizeof(std::uint64_t) + pictures.size()));
    const std::string stored = offsets + pictures;
    record.pixels_bytes = stored.size();
    record.pixels_offset = write_part(std::as_bytes(std::span(stored)), contents);
  }
  record.times_offset = write_part(std::as_bytes(std::span(decoded.frame_time_s)), contents);
}

void ShardWriter::write_samples(const DecodedClip& decoded, const IngestSettings& settings, ShardRecord& record,
                                Hasher& contents) {
  record.sample_count = static_cast<std::int64_t>(decoded.samples.size());
  if (settings.audio_storage == AudioStorage::kFloat32) {
    record.samples_offset = write_part(std::as_bytes(std::span(decoded.samples)), contents);
    return;
  }
  record.sample_scale = scale_for(decoded.samples);
  std::vector<std::int16_t> stored;
  stored.reserve(decoded.samples.size());
  for (const float sample : decoded.samples) {
    stored.push_back(static_cast<std::int16_t>(std::lround(static_cast<double>(sample) / record.sample_scale)));
  }
  record.samples_offset = write_part(std::as_bytes(std::span(stored)), contents);
  contents.field(static_cast<std::int64_t>(std::bit_cast<std::uint64_t>(record.sample_scale)));
}

void ShardWriter::add(const Clip& clip, const DecodedClip& decoded, const IngestSettings& settings) {
  const std::size_t expected = static_cast<std::size_t>(decoded.frame_count) * 3U *
                               static_cast<std::size_t>(decoded.height) * static_cast<std::size_t>(decoded.width);
  if (decoded.pixels.size() != expected ||
      decoded.frame_time_s.size() != static_cast<std::size_t>(decoded.frame_count)) {
    throw Error(ErrorKind::kInternal,
                {.what = fmt::format("the dataset decoded clip '{}' to {} bytes for {} frames of {} x {}", clip.id,
                                     decoded.pixels.size(), decoded.frame_count, decoded.height, decoded.width)});
  }
  if (settings.video && (decoded.height != settings.height || decoded.width != settings.width)) {
    throw Error(ErrorKind::kInternal,
                {.what = fmt::format("the dataset decoded clip '{}' to {} x {} where {} x {} was asked", clip.id,
                                     decoded.height, decoded.width, settings.height, settings.width)});
  }
  ShardRecord record;
  record.id = clip.id;
  record.note = decoded.note;
  Hasher contents;
  write_pixels(decoded, settings, record, contents);
  write_samples(decoded, settings, record, contents);
  record.hash = contents.hex();
  records_.push_back(std::move(record));
}

void ShardWriter::add_excluded(const Clip& clip, const std::string& reason) {
  ShardRecord record;
  record.id = clip.id;
  record.reason = reason;
  record.hash = Hasher().field(reason).hex();
  records_.push_back(std::move(record));
}

void ShardWriter::commit() {
  const std::uint64_t table = position_;
  std::string text;
  put(text, static_cast<std::uint64_t>(records_.size()));
  for (const ShardRecord& record : records_) text += serialise(record);
  put(text, table);
  write(text.data(), text.size());
  const std::string checksum = checksum_.hex();
  write(checksum.data(), checksum.size());
  std::FILE* file = std::exchange(file_, nullptr);
  const bool synced = std::fflush(file) == 0 && fsync(fileno(file)) == 0;
  const int error = errno;
  const bool closed = std::fclose(file) == 0;
  if (!synced || !closed) {
    std::error_code ignored;
    std::filesystem::remove(temporary_, ignored);
    throw Error(ErrorKind::kEnvironment,
                {.what = fmt::format("cannot write a shard: {}", std::strerror(error)),
                 .where = temporary_.string(),
                 .fix = "free some space and run the same command again: finished shards are kept"});
  }
  commit_file(temporary_, path_);
}

}  // namespace cmkd
