// Single pictures as JPEG, for the cache's frame storage "jpeg" and for prepared frames.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace cmkd::media {

// `planar` is [3, H, W] RGB. Quality 95; the same input and library give the same bytes. Thread-safe.
[[nodiscard]] std::vector<std::uint8_t> encode_jpeg(std::span<const std::uint8_t> planar, int height, int width);

// Writes [3, H, W] RGB into `planar`. Throws Error(kData) when the bytes are no picture of that size. Thread-safe.
void decode_jpeg(std::span<const std::uint8_t> bytes, int height, int width, std::span<std::uint8_t> planar);

struct PictureSize {
  int height = 0;
  int width = 0;
};

// The size that the header states. Throws Error(kData) when the bytes are no JPEG file. Thread-safe.
[[nodiscard]] PictureSize jpeg_size(std::span<const std::uint8_t> bytes);

}  // namespace cmkd::media
