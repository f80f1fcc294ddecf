#include "artifacts.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/core/hash.h"

namespace cmkd::results {

namespace fs = std::filesystem;

namespace {

static_assert(std::endian::native == std::endian::little, "per-clip outputs are stored in little-endian order");

// Layout: magic, clips, width, then ids, groups (each a length and bytes), labels, scores.
constexpr std::string_view kMagic = "CMKDOUT1";
// The same with the number of queries after the width, and at the end each clip's number of tags, then all tags.
constexpr std::string_view kMagicWithTags = "CMKDOUT2";

bool needs_tags(const ClipOutputs& outputs) { return !outputs.tags.empty() || outputs.queries != 0; }

template <typename T>
void append(std::string& bytes, const T* values, std::size_t count) {
  if (count > 0) bytes.append(reinterpret_cast<const char*>(values), count * sizeof(T));
}

void append_text(std::string& bytes, const std::string& text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  append(bytes, &size, 1);
  bytes += text;
}

// Reads forward and throws at the end of the bytes.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& where) : rest_(bytes), where_(where) {}

  [[nodiscard]] std::span<const std::byte> take(std::size_t size) {
    if (size > rest_.size()) fail();
    const std::span<const std::byte> taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  template <typename T>
  [[nodiscard]] std::vector<T> values(std::size_t count) {
    if (count > rest_.size() / sizeof(T)) fail();
    std::vector<T> result(count);
    const std::span<const std::byte> taken = take(count * sizeof(T));
    if (!taken.empty()) std::memcpy(result.data(), taken.data(), taken.size());
    return result;
  }
  template <typename T>
  [[nodiscard]] T value() {
    return values<T>(1).front();
  }
  [[nodiscard]] std::string text() {
    const std::span<const std::byte> taken = take(value<std::uint32_t>());
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }
  [[nodiscard]] std::vector<std::string> texts(std::size_t count) {
    if (count > rest_.size() / sizeof(std::uint32_t)) fail();
    std::vector<std::string> result(count);
    for (std::string& item : result) item = text();
    return result;
  }
  void require_end() const {
    if (!rest_.empty()) fail();
  }
  [[noreturn]] void fail() const {
    throw Error(ErrorKind::kData,
                {.what = "per-clip outputs are damaged", .where = where_, .fix = "run the evaluation again"});
  }

 private:
  std::span<const std::byte> rest_;
  const std::string& where_;
};

}  // namespace

std::string fingerprint_of(std::span<const std::byte> bytes) { return Hasher().update(bytes).hex(); }

Artifact write_artifact_file(const fs::path& folder, std::span<const std::byte> bytes, std::string_view extension) {
  const bool plain = !extension.empty() && std::all_of(extension.begin(), extension.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  });
  if (!plain) throw Error(ErrorKind::kInternal, {.what = fmt::format("bad extension '{}' of an artifact", extension)});
  const std::string fingerprint = fingerprint_of(bytes);
  const std::string relative = fmt::format("{}/{}.{}", fingerprint.substr(0, 2), fingerprint, extension);
  const fs::path path = folder / relative;
  std::error_code code;
  const bool there = fs::file_size(path, code) == bytes.size() && !code && hash_file(path) == fingerprint;
  if (!there) write_file_atomically(path, bytes);
  return {relative, fingerprint, static_cast<std::int64_t>(bytes.size())};
}

Artifact describe_artifact_file(const fs::path& folder, const std::string& relative) {
  const fs::path path = folder / relative;
  std::error_code code;
  const std::uintmax_t size = fs::file_size(path, code);
  if (code) {
    throw Error(ErrorKind::kData, {.what = fmt::format("artifact '{}' is not in the store's folder", relative),
                                   .where = path.string(),
                                   .fix = "write it with Store::write_artifact before the run is committed"});
  }
  return {relative, hash_file(path), static_cast<std::int64_t>(size)};
}

std::string read_artifact_file(const fs::path& folder, const std::string& relative, const std::string& fingerprint) {
  const fs::path path = folder / relative;
  std::string bytes = read_file(path);
  const std::string found = hash_hex(bytes);
  if (found != fingerprint) {
    throw Error(ErrorKind::kData, {"a file of the result store is damaged: its checksum is wrong", path.string(),
                                   fmt::format("{} (found {})", fingerprint, found),
                                   "restore the file from a copy, or run the evaluation again into a new store"});
  }
  return bytes;
}

std::string encode_outputs(const ClipOutputs& outputs) {
  const std::size_t clips = outputs.clip_ids.size();
  const bool agrees = outputs.groups.size() == clips && outputs.labels.size() == clips && outputs.width >= 0 &&
                      (outputs.tags.empty() || outputs.tags.size() == clips) && outputs.queries >= 0 &&
                      outputs.queries <= static_cast<std::int64_t>(clips) &&
                      outputs.scores.size() == clips * static_cast<std::size_t>(outputs.width);
  if (!agrees) {
    throw Error(
        ErrorKind::kInternal,
        {.what = fmt::format("per-clip outputs disagree: {} ids, {} groups, {} labels, {} scores of width {}", clips,
                             outputs.groups.size(), outputs.labels.size(), outputs.scores.size(), outputs.width)});
  }
  if (clips == 0) return {};
  std::string bytes(needs_tags(outputs) ? kMagicWithTags : kMagic);
  const std::int64_t header[] = {static_cast<std::int64_t>(clips), outputs.width, outputs.queries};
  append(bytes, header, needs_tags(outputs) ? 3 : 2);
  for (const std::string& id : outputs.clip_ids) append_text(bytes, id);
  for (const std::string& group : outputs.groups) append_text(bytes, group);
  append(bytes, outputs.labels.data(), outputs.labels.size());
  append(bytes, outputs.scores.data(), outputs.scores.size());
  if (!needs_tags(outputs)) return bytes;
  const auto lists = static_cast<std::uint32_t>(outputs.tags.size());
  append(bytes, &lists, 1);
  for (const std::vector<std::int32_t>& tags : outputs.tags) {
    const auto count = static_cast<std::uint32_t>(tags.size());
    append(bytes, &count, 1);
    append(bytes, tags.data(), tags.size());
  }
  return bytes;
}

ClipOutputs decode_outputs(std::span<const std::byte> bytes, const std::string& where) {
  Reader reader(bytes, where);
  const std::span<const std::byte> magic = reader.take(kMagic.size());
  const bool with_tags = std::memcmp(magic.data(), kMagicWithTags.data(), kMagicWithTags.size()) == 0;
  if (!with_tags && std::memcmp(magic.data(), kMagic.data(), kMagic.size()) != 0) reader.fail();
  const auto clips = reader.value<std::int64_t>();
  ClipOutputs outputs;
  outputs.width = reader.value<std::int64_t>();
  // No more of either than there are bytes: their product then cannot overflow in silence below.
  const auto limit = static_cast<std::int64_t>(bytes.size());
  if (with_tags) outputs.queries = reader.value<std::int64_t>();
  if (clips <= 0 || clips > limit || outputs.width < 0 || outputs.width > limit) reader.fail();
  if (outputs.queries < 0 || outputs.queries > clips) reader.fail();
  const auto count = static_cast<std::size_t>(clips);
  outputs.clip_ids = reader.texts(count);
  outputs.groups = reader.texts(count);
  outputs.labels = reader.values<std::int32_t>(count);
  outputs.scores = reader.values<float>(count * static_cast<std::size_t>(outputs.width));
  if (with_tags) {
    const auto lists = reader.value<std::uint32_t>();
    if (lists != 0 && lists != count) reader.fail();
    for (std::uint32_t i = 0; i < lists; ++i) {
      outputs.tags.push_back(reader.values<std::int32_t>(reader.value<std::uint32_t>()));
    }
  }
  reader.require_end();
  return outputs;
}

}  // namespace cmkd::results
