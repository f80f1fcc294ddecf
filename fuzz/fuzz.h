// What the fuzz targets share. Each target is one file with LLVMFuzzerTestOneInput: it hands the bytes to a reader of
// what strangers wrote, and takes cmkd::Error for an answer. Anything else that is thrown, and whatever a sanitizer
// finds, ends the program. Built twice: with libFuzzer (preset `asan-ubsan`), and with replay.cpp, which runs the
// corpus as a test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

namespace cmkd::fuzz {

// Calls `read`, and swallows the errors by which a reader may refuse a file: usage and data. Error(kInternal) is a bug.
void expect_answer(const std::function<void()>& read);

// A file in memory with these bytes, for readers that want a path. Not thread-safe.
class MemoryFile {
 public:
  explicit MemoryFile(std::span<const std::uint8_t> bytes);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  int descriptor_ = -1;
  std::filesystem::path path_;
};

// A folder of this process in memory (/dev/shm), removed at its end; `write` replaces a file in it.
class MemoryFolder {
 public:
  MemoryFolder();
  ~MemoryFolder();
  MemoryFolder(const MemoryFolder&) = delete;
  MemoryFolder& operator=(const MemoryFolder&) = delete;
  void write(const std::string& name, std::span<const std::uint8_t> bytes) const;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace cmkd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
