// An open container and its packets.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "cmkd/media/media.h"
#include "handles.h"

namespace cmkd::media {

// Owns the container. Not thread-safe; streams point into it and live as long as it does.
class Demuxer {
 public:
  // kNotFound, kEmptyFile or kCannotOpen.
  [[nodiscard]] static Outcome<Demuxer> open(const std::filesystem::path& path);

  // The stream that FFmpeg deems best of its kind, or nullptr; sound of the programme that the picture is of. A cover
  // picture is no video stream.
  [[nodiscard]] AVStream* best(AVMediaType type) const;
  // Whose packets are read from now on.
  void select_only(const AVStream* stream);
  void select_all();

  // The next packet; false at the end or at an error, which `read_error` then tells apart.
  [[nodiscard]] bool read(AVPacket& packet);
  // The reason when reading ended otherwise than at the end of the file.
  [[nodiscard]] const std::optional<std::string>& read_error() const noexcept { return read_error_; }
  void forget_read_error() noexcept { read_error_.reset(); }

  [[nodiscard]] AVFormatContext& format() const noexcept { return *format_; }

 private:
  explicit Demuxer(InputHandle format) : format_(std::move(format)) {}

  InputHandle format_;
  std::optional<std::string> read_error_;
};

// What the header says of a stream.
[[nodiscard]] VideoStreamInfo describe_video(const AVStream& stream);
[[nodiscard]] AudioStreamInfo describe_audio(const AVStream& stream);
[[nodiscard]] bool is_cover_picture(const AVStream& stream) noexcept;
// The container's duration as its header claims it: nothing when FFmpeg itself has only estimated it.
[[nodiscard]] std::optional<double> claimed_duration_s(const AVFormatContext& format);

// The time from which that duration counts: Matroska's counts from 0, also where no stream begins there.
[[nodiscard]] double claim_start_s(const AVFormatContext& format) noexcept;

// Whether packets that end here fall short of a claimed duration by more than rounding, the last frame's duration or
// tracks of slightly different length explain.
[[nodiscard]] bool is_missed(double claimed_s, double end_s) noexcept;

}  // namespace cmkd::media
