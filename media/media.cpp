#include "cmkd/media/media.h"

namespace cmkd::media {

const char* to_string(FailureReason reason) noexcept {
  switch (reason) {
    case FailureReason::kNotFound:
      return "not_found";
    case FailureReason::kEmptyFile:
      return "empty_file";
    case FailureReason::kCannotOpen:
      return "cannot_open";
    case FailureReason::kNoVideoStream:
      return "no_video_stream";
    case FailureReason::kNoAudioStream:
      return "no_audio_stream";
    case FailureReason::kUnsupportedCodec:
      return "unsupported_codec";
    case FailureReason::kNothingDecodable:
      return "nothing_decodable";
    case FailureReason::kTruncated:
      return "truncated";
    case FailureReason::kOutOfRange:
      return "out_of_range";
    case FailureReason::kTooLarge:
      return "too_large";
    case FailureReason::kUnusableSamples:
      return "unusable_samples";
    case FailureReason::kBuiltWithoutFfmpeg:
      return "built_without_ffmpeg";
  }
  return "unknown";
}

std::string describe(const Failure& failure) {
  std::string text = to_string(failure.reason);
  for (char& letter : text) {
    if (letter == '_') letter = ' ';
  }
  if (!failure.detail.empty()) text += ": " + failure.detail;
  return text;
}

}  // namespace cmkd::media
