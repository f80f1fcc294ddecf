// The vocabulary of the media room: what a file holds, and why something could not be had from it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace cmkd::media {

// Why media could not be had. A failure is a return value: it becomes a row with its reason, never another clip.
enum class FailureReason {
  kNotFound,    // no such file, or no permission
  kEmptyFile,   // zero bytes
  kCannotOpen,  // no known container
  kNoVideoStream,
  kNoAudioStream,
  kUnsupportedCodec,  // the linked FFmpeg has no decoder for it
  kNothingDecodable,  // streams are there, but not one frame or sample comes out
  kTruncated,         // decoding ended with errors after some frames: those are delivered, and this says so
  kOutOfRange,        // the requested times lie outside the stream
  kTooLarge,          // the decoder would exceed the memory limit
  kUnusableSamples,   // values that are not finite, or beyond what any recording holds: the detail counts them
  kBuiltWithoutFfmpeg,
};

struct Failure {
  FailureReason reason;
  std::string detail;  // one line: "moov atom not found", "after 33 of 708 frames"
};

// A stable identifier for rows and JSON: "no_video_stream".
[[nodiscard]] const char* to_string(FailureReason reason) noexcept;
// "no video stream: …"
[[nodiscard]] std::string describe(const Failure& failure);

// A value or the reason why not.
template <typename Value>
class Outcome {
 public:
  Outcome(Value value) : state_(std::move(value)) {}        // NOLINT: implicit by intent, as std::expected
  Outcome(Failure failure) : state_(std::move(failure)) {}  // NOLINT

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] Value& value() { return std::get<0>(state_); }
  [[nodiscard]] const Value& value() const { return std::get<0>(state_); }
  [[nodiscard]] const Failure& failure() const { return std::get<1>(state_); }

 private:
  std::variant<Value, Failure> state_;
};

struct VideoStreamInfo {
  int index = 0;
  std::string codec;
  std::string pixel_format;
  int width = 0;  // as stored, before rotation
  int height = 0;
  int rotation_degrees = 0;  // clockwise, to be applied for display: 0, 90, 180, 270
  double average_fps = 0;    // 0 when unknown
  double start_s = 0;        // first presentation time by the header
  std::optional<double> duration_s_from_header;
  std::optional<std::int64_t> frame_count_from_header;
  std::optional<std::int64_t> frame_count_decoded;  // only when asked for
  int reference_frames = 0;                         // the most that the decoder may have to hold, by codec and level
  int reorder_frames = 0;                           // by which the decoder's output lags behind its input
};

struct AudioStreamInfo {
  int index = 0;
  std::string codec;
  int sample_rate = 0;  // Hz
  int channels = 0;
  double start_s = 0;
  std::optional<double> duration_s_from_header;
  std::optional<std::int64_t> sample_count_decoded;  // only when asked for
};

struct MediaInfo {
  std::string container;
  std::optional<double> duration_s_from_header;
  std::vector<VideoStreamInfo> video;
  std::vector<AudioStreamInfo> audio;
  int other_streams = 0;                 // subtitles, data
  std::optional<Failure> video_failure;  // decode pass only: why no frame or not all frames of the best stream came
  std::optional<Failure> audio_failure;
};

struct ProbeOptions {
  bool decode = true;  // decode every frame and sample of the best streams and count them
};

// What the decoder sees. Thread-safe; one decoder thread.
// Without decoding it states the headers and leaves the failures empty; a missing stream is a failure only of the
// decode pass.
[[nodiscard]] Outcome<MediaInfo> probe(const std::filesystem::path& path, const ProbeOptions& options = {});

// The versions of the linked libraries, "libavcodec 59.37.100, libavformat …"; "" when built without FFmpeg.
[[nodiscard]] std::string ffmpeg_versions();

}  // namespace cmkd::media
