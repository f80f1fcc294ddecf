#include "cmkd/media/png.h"

#include <fmt/format.h>
#include <png.h>

#include <span>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"

namespace cmkd::media {

void write_png(const std::filesystem::path& path, const Picture& picture) {
  const auto wanted = std::int64_t{3} * picture.height * picture.width;
  if (picture.height < 1 || picture.width < 1 || static_cast<std::int64_t>(picture.pixels.size()) != wanted) {
    throw Error(ErrorKind::kInternal, {.what = fmt::format("a picture of {} x {} has {} bytes", picture.height,
                                                           picture.width, picture.pixels.size()),
                                       .where = path.string()});
  }
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.format = PNG_FORMAT_RGB;
  image.height = static_cast<png_uint_32>(picture.height);
  image.width = static_cast<png_uint_32>(picture.width);
  const auto encode = [&](void* target, png_alloc_size_t& bytes) {
    if (png_image_write_to_memory(&image, target, &bytes, 0, picture.pixels.data(), 0, nullptr) != 0) return;
    throw Error(ErrorKind::kInternal,
                {.what = fmt::format("the picture cannot be encoded: {}", image.message), .where = path.string()});
  };
  // Without a target it only measures; an upper estimate would be enough, but twice the work is a few milliseconds.
  png_alloc_size_t bytes = 0;
  encode(nullptr, bytes);
  std::vector<std::byte> encoded(bytes);
  encode(encoded.data(), bytes);
  write_file_atomically(path, std::span<const std::byte>(encoded.data(), bytes));
}

}  // namespace cmkd::media
