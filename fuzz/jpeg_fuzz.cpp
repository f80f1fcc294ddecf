// JPEG frames of prepared sets (HDF5) and of clip caches that are not ours.
#include <vector>

#include "cmkd/media/jpeg.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cmkd::fuzz::expect_answer([&] {
    const std::span<const std::uint8_t> bytes(data, size);
    const cmkd::media::PictureSize picture = cmkd::media::jpeg_size(bytes);
    const std::int64_t pixels = std::int64_t{picture.height} * picture.width;
    if (pixels > std::int64_t{1} << 20) return;  // the search is for faults, not for large pictures
    std::vector<std::uint8_t> planar(static_cast<std::size_t>(3 * pixels));
    cmkd::media::decode_jpeg(bytes, picture.height, picture.width, planar);
  });
  return 0;
}
