#include "cmkd/media/encode.h"

#include <sys/resource.h>

#include <csignal>
#include <cstdlib>

#include "catch.h"
#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/media/video.h"
#include "material.h"
#include "paths.h"

namespace fs = std::filesystem;
using namespace cmkd::media;
using cmkd::test::MadeClip;

namespace {

bool skip_without_encoders() {
  if (has_encoders()) return false;
  WARN("skipped: the linked FFmpeg has no encoders");
  return true;
}

// Lets no file of this process grow beyond `bytes` while it lives: a disk that is full.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

}  // namespace

TEST_CASE("what was encoded comes back at its size, its times and nearly its colours") {
  if (skip_without_encoders()) return;
  const cmkd::test::TemporaryFolder folder;
  const MadeClip clip;
  cmkd::test::make_clip(folder / "clip.mkv", clip);
  const auto frames = decode_video(folder / "clip.mkv", {});
  REQUIRE(frames.ok());
  CHECK_FALSE(frames.value().warning);
  REQUIRE(frames.value().frame_count == clip.frames);
  REQUIRE(frames.value().width == clip.width);
  REQUIRE(frames.value().height == clip.height);
  for (int k = 0; k < clip.frames; ++k) {
    CHECK(frames.value().presentation_time_s[static_cast<std::size_t>(k)] == k / 25.0);
  }
  const std::vector<std::uint8_t> original = cmkd::test::moving_square(clip);
  double sum = 0;
  for (std::size_t i = 0; i < original.size(); ++i) sum += std::abs(int{original[i]} - int{frames.value().pixels[i]});
  // Chroma is stored at half the resolution, so that the square's coloured edges blur; a swapped channel gives > 20.
  CHECK(sum / static_cast<double>(original.size()) < 4);
}

TEST_CASE("the same input gives the same bytes") {
  if (skip_without_encoders()) return;
  const cmkd::test::TemporaryFolder folder;
  cmkd::test::make_clip(folder / "a.mkv");
  cmkd::test::make_clip(folder / "sub" / "b.mkv");
  CHECK(cmkd::read_file(folder / "a.mkv") == cmkd::read_file(folder / "sub" / "b.mkv"));
}

TEST_CASE("a disk that fills up is an error and leaves no file behind") {
  if (skip_without_encoders()) return;
  const cmkd::test::TemporaryFolder folder;
  MadeClip clip;
  clip.frames = 200;
  {
    const FullDisk full(20000);
    CHECK_THROWS_AS(cmkd::test::make_clip(folder / "clip.mkv", clip), cmkd::Error);
  }
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("a folder that cannot be written is an error that names the file") {
  if (skip_without_encoders()) return;
  const cmkd::test::TemporaryFolder folder;
  cmkd::write_file_atomically(folder / "taken", std::string_view("a file, not a folder"));
  CHECK_THROWS_WITH(cmkd::test::make_clip(folder / "taken/clip.mkv"), message_contains("taken"));
}

TEST_CASE("an odd picture or pixels of another size are refused") {
  if (skip_without_encoders()) return;
  const cmkd::test::TemporaryFolder folder;
  const std::vector<std::uint8_t> pixels(3UL * 15 * 16);
  CHECK_THROWS_AS(encode_media(folder / "a.mkv", {pixels, 1, 15, 16, 25}, {}), cmkd::Error);
  CHECK_THROWS_AS(encode_media(folder / "a.mkv", {pixels, 2, 16, 16, 25}, {}), cmkd::Error);
  CHECK_THROWS_AS(encode_media(folder / "a.mkv", {}, {}), cmkd::Error);
  CHECK(fs::is_empty(folder.path()));
}
