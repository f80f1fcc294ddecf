// After PKWARE's APPNOTE.TXT 6.3: end of central directory (4.3.16), zip64 (4.3.14, 4.3.15, 4.5.3), central and local
// file headers (4.3.12, 4.3.7).
#include "zip_archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace cmkd::weights {

namespace {

constexpr std::uint32_t kEndSignature = 0x06054B50;
constexpr std::uint32_t kZip64EndSignature = 0x06064B50;
constexpr std::uint32_t kZip64LocatorSignature = 0x07064B50;
constexpr std::uint32_t kCentralSignature = 0x02014B50;
constexpr std::uint32_t kLocalSignature = 0x04034B50;
constexpr std::uint64_t kEndSize = 22;
constexpr std::uint64_t kLocatorSize = 20;
constexpr std::uint64_t kCentralSize = 46;
constexpr std::uint64_t kLongestComment = 65535;
constexpr std::uint16_t kEncrypted = 1;
constexpr std::uint16_t kZip64Extra = 1;
constexpr std::uint32_t kInZip64 = 0xFFFFFFFF;
constexpr const char* kFetchAgain = "fetch the file again";

// Values that did not fit the 32 bits of a central header stand in the zip64 extra field, in this order.
void read_zip64(ByteReader extra, std::uint64_t& size, std::uint64_t& stored, std::uint64_t& offset) {
  while (extra.left() >= 4) {
    const std::uint16_t id = extra.u16();
    const std::uint16_t length = extra.u16();
    const std::uint64_t begin = extra.file_position();
    ByteReader field(extra.path(), extra.take(length), begin);
    if (id != kZip64Extra) continue;
    for (std::uint64_t* value : {&size, &stored, &offset}) {
      if (*value == kInZip64) *value = field.u64();
    }
  }
}

void require_plain(const ByteReader& reader, const ZipEntry& entry) {
  const std::string name = shown(entry.name);
  if ((entry.flags & kEncrypted) != 0) reader.refuse(fmt::format("entry '{}' of the archive is encrypted", name));
  if (entry.method != 0) {
    reader.refuse(
        fmt::format("entry '{}' of the archive is compressed (method {})", name, entry.method),
        "save it again with torch.save or numpy.savez, which do not compress, or pack it again with 'zip -0'");
  }
  if (entry.stored == entry.size) return;
  reader.refuse(fmt::format("entry '{}' has {} bytes, stored as {}", name, entry.size, entry.stored), kFetchAgain);
}

}  // namespace

ZipArchive::ZipArchive(std::filesystem::path path, Bytes file) : path_(std::move(path)), file_(file) {
  const Directory directory = find_directory();
  if (directory.size > file.size() || directory.offset > file.size() - directory.size ||
      directory.entries > directory.size / kCentralSize) {
    refuse_file(path_, directory.offset, "the archive's directory lies outside the file", kFetchAgain);
  }
  ByteReader reader(path_, file.subspan(directory.offset, directory.size), directory.offset);
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    const std::uint64_t begin = reader.file_position();
    ZipEntry entry = read_entry(reader);
    has_checksums_ = has_checksums_ || entry.crc != 0;
    const std::string name = entry.name;
    if (!entries_.emplace(name, std::move(entry)).second) {
      refuse_file(path_, begin, fmt::format("entry '{}' stands twice in the archive", shown(name)));
    }
  }
}

// The last signature whose comment ends where the file ends.
ZipArchive::Directory ZipArchive::find_directory() const {
  const std::uint64_t size = file_.size();
  if (size < kEndSize) refuse_file(path_, size, "a zip archive that is cut off", kFetchAgain);
  const std::uint64_t first = size - std::min(size, kEndSize + kLongestComment);
  for (std::uint64_t offset = size - kEndSize + 1; offset-- > first;) {
    ByteReader end(path_, file_.subspan(offset), offset);
    if (end.u32() != kEndSignature) continue;
    end.seek(10);
    Directory directory;
    directory.entries = end.u16();
    directory.size = end.u32();
    directory.offset = end.u32();
    if (end.u16() != end.left()) continue;
    const bool large = directory.entries == 0xFFFF || directory.size == kInZip64 || directory.offset == kInZip64;
    return large ? find_zip64_directory(offset) : directory;
  }
  refuse_file(path_, size, "a zip archive without its directory: the file is cut off or broken", kFetchAgain);
}

ZipArchive::Directory ZipArchive::find_zip64_directory(std::uint64_t end_offset) const {
  if (end_offset < kLocatorSize) refuse_file(path_, end_offset, "a zip64 archive without its locator", kFetchAgain);
  ByteReader locator(path_, file_.subspan(end_offset - kLocatorSize, kLocatorSize), end_offset - kLocatorSize);
  if (locator.u32() != kZip64LocatorSignature) locator.refuse("a zip64 archive without its locator", kFetchAgain);
  locator.seek(8);
  ByteReader end(path_, file_);
  end.seek(locator.u64());
  if (end.u32() != kZip64EndSignature) end.refuse("a zip64 archive without its end record", kFetchAgain);
  end.seek(end.position() + 28);
  Directory directory;
  directory.entries = end.u64();
  directory.size = end.u64();
  directory.offset = end.u64();
  return directory;
}

ZipEntry ZipArchive::read_entry(ByteReader& reader) const {
  if (reader.u32() != kCentralSignature) reader.refuse("the archive's directory is broken", kFetchAgain);
  (void)reader.u32();  // versions
  ZipEntry entry;
  entry.flags = reader.u16();
  entry.method = reader.u16();
  (void)reader.u32();  // time and date
  entry.crc = reader.u32();
  entry.stored = reader.u32();
  entry.size = reader.u32();
  const std::uint16_t name_length = reader.u16();
  const std::uint16_t extra_length = reader.u16();
  const std::uint16_t comment_length = reader.u16();
  (void)reader.take(8);  // disk and attributes
  entry.header_offset = reader.u32();
  entry.name = as_text(reader.take(name_length));
  const std::uint64_t extra_begin = reader.file_position();
  read_zip64(ByteReader(path_, reader.take(extra_length), extra_begin), entry.size, entry.stored, entry.header_offset);
  (void)reader.take(comment_length);
  return entry;
}

ZipArchive::Content ZipArchive::read(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    refuse_file(path_, 0, fmt::format("the archive has no entry '{}'", shown(name)), kFetchAgain);
  }
  const ZipEntry& entry = found->second;
  ByteReader header(path_, file_);
  header.seek(entry.header_offset);
  if (header.u32() != kLocalSignature) {
    header.refuse(fmt::format("entry '{}' does not begin where the directory says", shown(name)), kFetchAgain);
  }
  require_plain(header, entry);
  (void)header.take(22);
  const std::uint16_t name_length = header.u16();
  const std::uint16_t extra_length = header.u16();
  if (as_text(header.take(name_length)) != name) {
    header.refuse(fmt::format("entry '{}' has another name than in the directory", shown(name)), kFetchAgain);
  }
  (void)header.take(extra_length);
  Content content;
  content.offset = header.file_position();
  content.bytes = header.take(entry.size);
  if (has_checksums_ && crc32_of(content.bytes) != entry.crc) {
    refuse_file(path_, content.offset, fmt::format("entry '{}' has a wrong checksum: the file is damaged", shown(name)),
                kFetchAgain);
  }
  return content;
}

}  // namespace cmkd::weights
