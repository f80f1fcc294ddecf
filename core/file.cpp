#include "cmkd/core/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

#include "cmkd/core/error.h"

namespace cmkd {

namespace fs = std::filesystem;

namespace {

// Owns a POSIX file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int value) noexcept : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return value_; }
  [[nodiscard]] int release() noexcept { return std::exchange(value_, -1); }

 private:
  int value_;
};

std::string remedy(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return "free some disk space or choose another folder";
    case EACCES:
    case EPERM:
    case EROFS:
      return "check the permissions of the folder";
    case ENOENT:
      return "check the path";
    default:
      return "";
  }
}

[[noreturn]] void throw_system(ErrorKind kind, std::string_view action, const fs::path& path, int code) {
  throw Error(kind, {fmt::format("{}: {}", action, std::strerror(code)), path.string(), "", remedy(code)});
}

void sync_folder(const fs::path& folder) {
  const Descriptor descriptor(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() >= 0) ::fsync(descriptor.get());
}

void create_parent(const fs::path& path) {
  if (!path.has_parent_path()) return;
  std::error_code code;
  fs::create_directories(path.parent_path(), code);
  if (code) throw_system(ErrorKind::kEnvironment, "cannot create folder", path.parent_path(), code.value());
}

}  // namespace

std::string read_file(const fs::path& path) {
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor.get() < 0) throw_system(ErrorKind::kData, "cannot read file", path, errno);
  std::string text;
  std::string buffer(std::size_t{1} << 16, '\0');
  for (;;) {
    const ssize_t count = ::read(descriptor.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_system(ErrorKind::kData, "cannot read file", path, errno);
    if (count == 0) return text;
    text.append(buffer, 0, static_cast<std::size_t>(count));
  }
}

void write_file_atomically(const fs::path& path, std::string_view bytes) {
  write_file_atomically(path, std::as_bytes(std::span(bytes.data(), bytes.size())));
}

void write_file_atomically(const fs::path& path, std::span<const std::byte> bytes) {
  create_parent(path);
  const fs::path temporary = path.string() + fmt::format(".{}.tmp", ::getpid());
  try {
    const Descriptor descriptor(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (descriptor.get() < 0) throw_system(ErrorKind::kEnvironment, "cannot write file", path, errno);
    while (!bytes.empty()) {
      const ssize_t count = ::write(descriptor.get(), bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw_system(ErrorKind::kEnvironment, "cannot write file", path, errno);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    if (::fsync(descriptor.get()) != 0) throw_system(ErrorKind::kEnvironment, "cannot write file", path, errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  commit_file(temporary, path);
}

void commit_file(const fs::path& temporary, const fs::path& path) {
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int code = errno;
    ::unlink(temporary.c_str());
    throw_system(ErrorKind::kEnvironment, "cannot put file into place", path, code);
  }
  sync_folder(path.parent_path());
}

void require_free_space(const fs::path& folder, std::uint64_t bytes, std::string_view purpose) {
  fs::path existing = fs::absolute(folder);
  while (!fs::exists(existing) && existing.has_relative_path()) existing = existing.parent_path();
  std::error_code code;
  const fs::space_info space = fs::space(existing, code);
  if (code || space.available >= bytes) return;
  throw Error(ErrorKind::kEnvironment, {.what = fmt::format("not enough disk space for {}: {} needed, {} free", purpose,
                                                            format_bytes(bytes), format_bytes(space.available)),
                                        .where = folder.string(),
                                        .fix = "free some space or choose another folder"});
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KB", "MB", "GB", "TB", "PB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1000.0 && unit + 1 < std::size(kUnits)) {
    value /= 1000.0;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

MappedFile::MappedFile(const fs::path& path) {
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor.get() < 0) throw_system(ErrorKind::kData, "cannot open file", path, errno);
  struct stat status {};
  if (::fstat(descriptor.get(), &status) != 0) throw_system(ErrorKind::kData, "cannot open file", path, errno);
  size_ = static_cast<std::size_t>(status.st_size);
  if (size_ == 0) return;
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor.get(), 0);
  if (address == MAP_FAILED) throw_system(ErrorKind::kData, "cannot map file", path, errno);
  data_ = static_cast<const std::byte*>(address);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

namespace {

int lock_descriptor(const fs::path& path, int operation) {
  create_parent(path);
  Descriptor descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (descriptor.get() < 0) throw_system(ErrorKind::kEnvironment, "cannot open lock file", path, errno);
  while (::flock(descriptor.get(), operation) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return -1;
    throw_system(ErrorKind::kEnvironment, "cannot lock file", path, errno);
  }
  return descriptor.release();
}

}  // namespace

std::optional<FileLock> FileLock::try_acquire(const fs::path& path) {
  const int descriptor = lock_descriptor(path, LOCK_EX | LOCK_NB);
  if (descriptor < 0) return std::nullopt;
  return FileLock(descriptor);
}

FileLock FileLock::acquire(const fs::path& path) { return FileLock(lock_descriptor(path, LOCK_EX)); }

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

}  // namespace cmkd
