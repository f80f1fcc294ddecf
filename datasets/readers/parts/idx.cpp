#include "idx.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <numeric>
#include <span>

#include "cmkd/core/error.h"

namespace cmkd {

namespace {

struct CloseGzip {
  void operator()(gzFile_s* file) const { gzclose(file); }
};

// zlib reads plain files as they are.
class GzipReader {
 public:
  explicit GzipReader(const std::filesystem::path& path) : path_(path), file_(gzopen(path.c_str(), "rb")) {
    if (file_ == nullptr) throw Error(ErrorKind::kData, {.what = "the file cannot be opened", .where = path.string()});
  }

  void read(std::span<std::uint8_t> bytes, const char* what) {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const auto wanted = static_cast<unsigned>(std::min<std::size_t>(bytes.size() - done, 1U << 30U));
      const int got = gzread(file_.get(), bytes.data() + done, wanted);
      if (got < 0) fail_compression();
      if (got == 0) {
        throw Error(ErrorKind::kData, {.what = fmt::format("the file ends within {}", what),
                                       .where = fmt::format("{} (byte {}, unpacked)", path_.string(), position_ + done),
                                       .fix = "fetch it again"});
      }
      done += static_cast<std::size_t>(got);
    }
    position_ += done;
  }

  // Nothing may follow; zlib compares the checksum only when it has read the end.
  void require_end() {
    std::uint8_t byte = 0;
    const int got = gzread(file_.get(), &byte, 1);
    int code = 0;
    gzerror(file_.get(), &code);
    // A checksum that is cut off is no end, although nothing is read.
    if (got < 0 || (got == 0 && code != Z_OK)) fail_compression();
    if (got > 0) {
      throw Error(ErrorKind::kData, {"the file is longer than its header states",
                                     fmt::format("{} (byte {}, unpacked)", path_.string(), position_),
                                     fmt::format("{} bytes", position_), "fetch it again"});
    }
  }

 private:
  [[noreturn]] void fail_compression() const {
    int code = 0;
    const std::string why = gzerror(file_.get(), &code);
    throw Error(ErrorKind::kData,
                {.what = "the compressed file is damaged: " + why, .where = path_.string(), .fix = "fetch it again"});
  }

  std::size_t position_ = 0;  // in what is unpacked
  const std::filesystem::path& path_;
  std::unique_ptr<gzFile_s, CloseGzip> file_;
};

std::vector<std::int64_t> read_shape(GzipReader& reader, const std::filesystem::path& path) {
  std::array<std::uint8_t, 4> magic{};
  reader.read(magic, "its magic number");
  constexpr std::uint8_t kUnsignedBytes = 8;
  if (magic[0] != 0 || magic[1] != 0 || magic[2] != kUnsignedBytes || magic[3] < 1 || magic[3] > 4) {
    throw Error(ErrorKind::kData, {"this is not an IDX file of unsigned bytes", path.string() + " (byte 0)",
                                   "0, 0, 8, the number of dimensions", "fetch it again"});
  }
  std::vector<std::int64_t> shape;
  std::int64_t count = 1;
  for (int k = 0; k < magic[3]; ++k) {
    std::array<std::uint8_t, 4> size{};
    reader.read(size, "its sizes");
    const std::int64_t length =
        std::int64_t{size[0]} << 24 | std::int64_t{size[1]} << 16 | std::int64_t{size[2]} << 8 | size[3];
    shape.push_back(length);
    constexpr std::int64_t kMost = std::int64_t{1} << 32;
    // Before the product is made: with four dimensions it can exceed 64 bits.
    if (length > kMost / std::max<std::int64_t>(count, 1)) {
      throw Error(ErrorKind::kData, {.what = "the file states an implausible size",
                                     .where = path.string() + " (bytes 4 to 15)",
                                     .fix = "fetch it again"});
    }
    count *= length;
  }
  return shape;
}

}  // namespace

std::vector<std::int64_t> read_idx_shape(const std::filesystem::path& path) {
  GzipReader reader(path);
  return read_shape(reader, path);
}

IdxBytes read_idx(const std::filesystem::path& path) {
  GzipReader reader(path);
  IdxBytes result;
  result.shape = read_shape(reader, path);
  const std::int64_t count =
      std::accumulate(result.shape.begin(), result.shape.end(), std::int64_t{1}, std::multiplies<>());
  // Memory for what is there, not for what the header states.
  constexpr std::size_t kChunk = std::size_t{1} << 22;
  for (auto left = static_cast<std::size_t>(count); left > 0; left -= std::min(left, kChunk)) {
    const std::size_t done = result.values.size();
    result.values.resize(done + std::min(left, kChunk));
    reader.read(std::span(result.values).subspan(done), "its values");
  }
  reader.require_end();
  return result;
}

}  // namespace cmkd
