#include "cmkd/media/jpeg.h"

#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <jpeglib.h>

#include "cmkd/core/error.h"

namespace cmkd::media {

namespace {

constexpr int kJpegQuality = 95;

// libjpeg reports errors by a function that must not return: jump back to the caller's frame.
struct ErrorState {
  jpeg_error_mgr manager{};
  std::jmp_buf jump{};
  char message[JMSG_LENGTH_MAX]{};
};

void on_error(j_common_ptr info) {
  auto* state = reinterpret_cast<ErrorState*>(info->err);
  info->err->format_message(info, state->message);
  std::longjmp(state->jump, 1);
}

void on_message(j_common_ptr) {}

void install(ErrorState& state) {
  jpeg_std_error(&state.manager);
  state.manager.error_exit = on_error;
  state.manager.output_message = on_message;
}

// Between setjmp and longjmp no object with a destructor is made: these functions hold plain data only.
bool compress(const std::uint8_t* planar, int height, int width, std::uint8_t* row, unsigned char** bytes,
              unsigned long* size, ErrorState& error) {
  jpeg_compress_struct info{};
  info.err = &error.manager;
  if (setjmp(error.jump) != 0) {
    jpeg_destroy_compress(&info);
    return false;
  }
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, bytes, size);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, kJpegQuality, TRUE);
  info.dct_method = JDCT_ISLOW;
  jpeg_start_compress(&info, TRUE);
  const std::size_t plane = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  while (info.next_scanline < info.image_height) {
    const std::uint8_t* source =
        planar + static_cast<std::size_t>(info.next_scanline) * static_cast<std::size_t>(width);
    for (int x = 0; x < width; ++x) {
      for (std::size_t channel = 0; channel < 3; ++channel)
        row[3 * x + static_cast<int>(channel)] = source[channel * plane + static_cast<std::size_t>(x)];
    }
    JSAMPROW rows[1] = {row};
    jpeg_write_scanlines(&info, rows, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  return true;
}

bool decompress(const std::uint8_t* bytes, std::size_t size, int height, int width, std::uint8_t* row,
                std::uint8_t* planar, ErrorState& error) {
  jpeg_decompress_struct info{};
  info.err = &error.manager;
  if (setjmp(error.jump) != 0) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, bytes, static_cast<unsigned long>(size));
  jpeg_read_header(&info, TRUE);
  info.out_color_space = JCS_RGB;
  info.dct_method = JDCT_ISLOW;
  if (info.image_width != static_cast<JDIMENSION>(width) || info.image_height != static_cast<JDIMENSION>(height)) {
    std::snprintf(error.message, sizeof error.message, "the picture has another size");
    jpeg_destroy_decompress(&info);
    return false;
  }
  jpeg_start_decompress(&info);
  const std::size_t plane = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  while (info.output_scanline < info.output_height) {
    std::uint8_t* target = planar + static_cast<std::size_t>(info.output_scanline) * static_cast<std::size_t>(width);
    JSAMPROW rows[1] = {row};
    jpeg_read_scanlines(&info, rows, 1);
    for (int x = 0; x < width; ++x) {
      for (std::size_t channel = 0; channel < 3; ++channel)
        target[channel * plane + static_cast<std::size_t>(x)] = row[3 * x + static_cast<int>(channel)];
    }
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return true;
}

bool read_size(const std::uint8_t* bytes, std::size_t size, PictureSize* picture, ErrorState& error) {
  jpeg_decompress_struct info{};
  info.err = &error.manager;
  if (setjmp(error.jump) != 0) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, bytes, static_cast<unsigned long>(size));
  jpeg_read_header(&info, TRUE);
  picture->height = static_cast<int>(info.image_height);
  picture->width = static_cast<int>(info.image_width);
  jpeg_destroy_decompress(&info);
  return true;
}

}  // namespace

PictureSize jpeg_size(std::span<const std::uint8_t> bytes) {
  ErrorState error;
  install(error);
  PictureSize picture;
  if (!read_size(bytes.data(), bytes.size(), &picture, error)) {
    throw Error(ErrorKind::kData, {.what = std::string("no JPEG file: ") + error.message});
  }
  return picture;
}

std::vector<std::uint8_t> encode_jpeg(std::span<const std::uint8_t> planar, int height, int width) {
  ErrorState error;
  install(error);
  std::vector<std::uint8_t> row(static_cast<std::size_t>(width) * 3);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const bool made = compress(planar.data(), height, width, row.data(), &bytes, &size, error);
  std::vector<std::uint8_t> result;
  if (made) result.assign(bytes, bytes + size);
  std::free(bytes);
  if (!made)
    throw Error(ErrorKind::kInternal, {.what = std::string("libjpeg cannot encode a frame: ") + error.message});
  return result;
}

void decode_jpeg(std::span<const std::uint8_t> bytes, int height, int width, std::span<std::uint8_t> planar) {
  ErrorState error;
  install(error);
  std::vector<std::uint8_t> row(static_cast<std::size_t>(width) * 3);
  if (!decompress(bytes.data(), bytes.size(), height, width, row.data(), planar.data(), error)) {
    throw Error(ErrorKind::kData, {.what = std::string("a stored JPEG frame cannot be decoded: ") + error.message,
                                   .fix = "delete the cache folder and run 'cmkd ingest' again"});
  }
}

}  // namespace cmkd::media
