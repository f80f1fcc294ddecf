// Pictures as PNG files, for people to look at.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace cmkd::media {

// RGB, eight bits a channel.
struct Picture {
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> pixels;  // [H, W, 3] sRGB, row-major
};

// Every pixel as it is (lossless), written atomically. Throws Error(kEnvironment) when the disk refuses, and
// Error(kInternal) when `pixels` are not 3 · height · width bytes of at least one pixel.
void write_png(const std::filesystem::path& path, const Picture& picture);

}  // namespace cmkd::media
