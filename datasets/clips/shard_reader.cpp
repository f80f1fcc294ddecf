#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "cmkd/core/error.h"
#include "shard.h"

namespace cmkd {

namespace {

constexpr std::size_t kChecksumDigits = 32;
constexpr const char* kShardReaderRemedy = "delete the cache folder and run 'cmkd ingest' again";

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Reads fields in order and never past the end: the checksum guards against accidents, this against foreign files.
class FieldReader {
 public:
  FieldReader(std::span<const std::byte> bytes, const std::filesystem::path& path) : bytes_(bytes), path_(path) {}

  std::uint64_t number() {
    std::uint64_t value = 0;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::int64_t integer() { return static_cast<std::int64_t>(number()); }
  std::string text() { return std::string(as_text(take(number()))); }
  std::span<const std::byte> take(std::uint64_t size) {
    if (size > bytes_.size()) {
      throw Error(ErrorKind::kData,
                  {.what = "the shard's table is damaged", .where = path_.string(), .fix = kShardReaderRemedy});
    }
    const std::span<const std::byte> part = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return part;
  }

 private:
  std::span<const std::byte> bytes_;
  const std::filesystem::path& path_;
};

ShardRecord read_record(FieldReader& reader) {
  ShardRecord record;
  record.id = reader.text();
  record.reason = reader.text();
  record.note = reader.text();
  record.hash = reader.text();
  record.frame_count = reader.integer();
  record.height = reader.integer();
  record.width = reader.integer();
  record.sample_count = reader.integer();
  record.pixels_offset = reader.number();
  record.pixels_bytes = reader.number();
  record.times_offset = reader.number();
  record.samples_offset = reader.number();
  record.sample_scale = std::bit_cast<double>(reader.number());
  return record;
}

}  // namespace

Shard::Shard(const std::filesystem::path& path, std::int64_t shard, const std::string& fingerprint) : file_(path) {
  const std::span<const std::byte> bytes = file_.bytes();
  FieldReader header(bytes, path);
  if (bytes.size() < 64 || as_text(header.take(8)) != "CMKDCLIP") {
    throw Error(
        ErrorKind::kData,
        {.what = "this file is not a shard of a clip cache", .where = path.string(), .fix = kShardReaderRemedy});
  }
  const std::uint64_t version = header.number();
  if (version != kCacheVersion) {
    throw Error(ErrorKind::kData, {fmt::format("the shard has cache version {}", version), path.string(),
                                   fmt::format("version {}", kCacheVersion), kShardReaderRemedy});
  }
  const std::int64_t number = header.integer();
  const std::string source = header.text();
  const std::size_t checked = bytes.size() - kChecksumDigits;
  checksum_ = Hasher().update(bytes.first(checked)).hex();
  if (checksum_ != as_text(bytes.subspan(checked)) || number != shard) {
    throw Error(
        ErrorKind::kData,
        {.what = "the shard is damaged: its checksum differs", .where = path.string(), .fix = kShardReaderRemedy});
  }
  if (source != fingerprint) {
    throw Error(ErrorKind::kData, {fmt::format("the shard belongs to another source (fingerprint {})", source),
                                   path.string(), fingerprint, kShardReaderRemedy});
  }
  std::uint64_t table = 0;
  std::memcpy(&table, bytes.data() + checked - sizeof table, sizeof table);
  if (table > checked) {
    throw Error(ErrorKind::kData,
                {.what = "the shard's table is damaged", .where = path.string(), .fix = kShardReaderRemedy});
  }
  FieldReader reader(bytes.subspan(table), path);
  const std::uint64_t count = reader.number();
  for (std::uint64_t k = 0; k < count; ++k) records_.push_back(read_record(reader));
}

}  // namespace cmkd
