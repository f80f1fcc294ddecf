// Files that are whole or not there: atomic writes, memory maps, locks, disk space.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cmkd {

// The whole file as text. Throws Error(kData) with the reason when it cannot be read.
[[nodiscard]] std::string read_file(const std::filesystem::path& path);

// Writes to a temporary file beside `path`, syncs it, and renames it into place: a reader sees the old bytes or the new
// ones, never a half. Creates parent folders. Throws Error(kEnvironment) ("disk full", "permission denied"), and then
// leaves no temporary file behind.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);

// Renames `temporary` (closed, on the same file system) into place and syncs the folder.
void commit_file(const std::filesystem::path& temporary, const std::filesystem::path& path);

// Throws Error(kEnvironment) when the disk that would hold `folder` has less than `bytes` free (and names both
// figures).
void require_free_space(const std::filesystem::path& folder, std::uint64_t bytes, std::string_view purpose);

// "1.4 GB", "312 KB"
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);

// A read-only memory map of a whole file. Move-only; the bytes live as long as the object.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);  // throws Error(kData)
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// An exclusive advisory lock (flock) on `path`, released on destruction or when the process dies.
class FileLock {
 public:
  // Nothing when another process holds it.
  [[nodiscard]] static std::optional<FileLock> try_acquire(const std::filesystem::path& path);
  // Waits until it is free.
  [[nodiscard]] static FileLock acquire(const std::filesystem::path& path);

  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;

 private:
  explicit FileLock(int descriptor) noexcept : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

}  // namespace cmkd
