// The zip archives that torch.save writes: uncompressed entries, zip64 where a file is large.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "byte_reader.h"

namespace cmkd::weights {

struct ZipEntry {
  std::string name;
  std::uint64_t header_offset = 0;  // of the local header
  std::uint64_t size = 0;
  std::uint64_t stored = 0;  // bytes in the archive
  std::uint16_t flags = 0;
  std::uint16_t method = 0;  // 0: not compressed
  std::uint32_t crc = 0;
};

// The directory of an archive, read and checked; the entries' bytes are looked at when they are asked for. The bytes
// must outlive the archive.
class ZipArchive {
 public:
  // Throws Error(kData) for a broken directory and for a name that stands twice.
  ZipArchive(std::filesystem::path path, Bytes file);

  struct Content {
    Bytes bytes;
    std::uint64_t offset = 0;  // of the first byte in the file
  };
  [[nodiscard]] const std::map<std::string, ZipEntry>& entries() const noexcept { return entries_; }
  [[nodiscard]] bool has(const std::string& name) const { return entries_.contains(name); }
  // Throws Error(kData) when there is no such entry, when it is compressed or encrypted, lies outside the file, or has
  // a wrong checksum.
  [[nodiscard]] Content read(const std::string& name) const;
  // torch.serialization.set_crc32_options(False) writes archives whose checksums are all 0.
  [[nodiscard]] bool has_checksums() const noexcept { return has_checksums_; }

 private:
  struct Directory {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint64_t entries = 0;
  };
  [[nodiscard]] Directory find_directory() const;
  [[nodiscard]] Directory find_zip64_directory(std::uint64_t end_offset) const;
  [[nodiscard]] ZipEntry read_entry(ByteReader& reader) const;

  std::filesystem::path path_;
  Bytes file_;
  std::map<std::string, ZipEntry> entries_;
  bool has_checksums_ = false;
};

}  // namespace cmkd::weights
