#include "idx.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>
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
    if (file_ == nullptr) throw Error(ErrorKind::kData, {"the file cannot be opened", path.string(), "", ""});
  }

  void read(std::span<std::uint8_t> bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const auto wanted = static_cast<unsigned>(std::min<std::size_t>(bytes.size() - done, 1U << 30U));
      const int got = gzread(file_.get(), bytes.data() + done, wanted);
      if (got <= 0)
        throw Error(ErrorKind::kData,
                    {fmt::format("the file ends after {} of {} bytes of its values", done, bytes.size()),
                     path_.string(), "", "fetch it again"});
      done += static_cast<std::size_t>(got);
    }
  }

 private:
  const std::filesystem::path& path_;
  std::unique_ptr<gzFile_s, CloseGzip> file_;
};

}  // namespace

IdxBytes read_idx(const std::filesystem::path& path) {
  GzipReader reader(path);
  std::array<std::uint8_t, 4> magic{};
  reader.read(magic);
  constexpr std::uint8_t kUnsignedBytes = 8;
  if (magic[0] != 0 || magic[1] != 0 || magic[2] != kUnsignedBytes || magic[3] < 1 || magic[3] > 4) {
    throw Error(ErrorKind::kData, {"this is not an IDX file of unsigned bytes", path.string(), "", ""});
  }
  IdxBytes result;
  std::int64_t count = 1;
  for (int k = 0; k < magic[3]; ++k) {
    std::array<std::uint8_t, 4> size{};
    reader.read(size);
    const std::int64_t length =
        std::int64_t{size[0]} << 24 | std::int64_t{size[1]} << 16 | std::int64_t{size[2]} << 8 | size[3];
    result.shape.push_back(length);
    count *= length;
    if (count > std::int64_t{1} << 32)
      throw Error(ErrorKind::kData, {"the file states an implausible size", path.string(), "", ""});
  }
  result.values.resize(static_cast<std::size_t>(count));
  reader.read(result.values);
  return result;
}

}  // namespace cmkd
