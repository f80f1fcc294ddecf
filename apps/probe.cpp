// cmkd probe: what the decoder sees.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cmkd/core/error.h"
#include "cmkd/media/media.h"
#include "commands.h"

namespace cmkd::apps {

namespace po = boost::program_options;
using nlohmann::json;

namespace {

template <typename Value>
json optional_json(const std::optional<Value>& value) {
  return value ? json(*value) : json();
}

json failure_json(const std::optional<media::Failure>& failure) {
  if (!failure) return nullptr;
  return {{"reason", media::to_string(failure->reason)}, {"detail", failure->detail}};
}

json info_json(const media::MediaInfo& info) {
  json video = json::array();
  for (const media::VideoStreamInfo& stream : info.video) {
    video.push_back({{"index", stream.index},
                     {"codec", stream.codec},
                     {"pixel_format", stream.pixel_format},
                     {"width", stream.width},
                     {"height", stream.height},
                     {"rotation_degrees", stream.rotation_degrees},
                     {"average_fps", stream.average_fps},
                     {"start_s", stream.start_s},
                     {"duration_s_from_header", optional_json(stream.duration_s_from_header)},
                     {"frame_count_from_header", optional_json(stream.frame_count_from_header)},
                     {"frame_count_decoded", optional_json(stream.frame_count_decoded)}});
  }
  json audio = json::array();
  for (const media::AudioStreamInfo& stream : info.audio) {
    audio.push_back({{"index", stream.index},
                     {"codec", stream.codec},
                     {"sample_rate", stream.sample_rate},
                     {"channels", stream.channels},
                     {"start_s", stream.start_s},
                     {"duration_s_from_header", optional_json(stream.duration_s_from_header)},
                     {"sample_count_decoded", optional_json(stream.sample_count_decoded)}});
  }
  return {{"container", info.container},
          {"duration_s_from_header", optional_json(info.duration_s_from_header)},
          {"video", video},
          {"audio", audio},
          {"other_streams", info.other_streams},
          {"video_failure", failure_json(info.video_failure)},
          {"audio_failure", failure_json(info.audio_failure)}};
}

template <typename Value>
std::string shown(const std::optional<Value>& value) {
  return value ? fmt::format("{}", *value) : std::string("unknown");
}

std::string info_text(const media::MediaInfo& info) {
  std::string text = fmt::format("  {}, {} s by the header\n", info.container, shown(info.duration_s_from_header));
  for (const media::VideoStreamInfo& stream : info.video) {
    text += fmt::format(
        "  video {}: {} {}x{} {}, {:.3f} frames/s, rotation {}, starts at {:.3f} s, frames: {} by the header, {} "
        "decoded\n",
        stream.index, stream.codec, stream.width, stream.height, stream.pixel_format, stream.average_fps,
        stream.rotation_degrees, stream.start_s, shown(stream.frame_count_from_header),
        stream.frame_count_decoded ? shown(stream.frame_count_decoded) : std::string("not"));
  }
  for (const media::AudioStreamInfo& stream : info.audio) {
    text += fmt::format("  audio {}: {} {} Hz, {} channels, starts at {:.3f} s, samples: {} decoded\n", stream.index,
                        stream.codec, stream.sample_rate, stream.channels, stream.start_s,
                        stream.sample_count_decoded ? shown(stream.sample_count_decoded) : std::string("not"));
  }
  if (info.other_streams > 0) text += fmt::format("  {} other streams\n", info.other_streams);
  if (info.video_failure) text += fmt::format("  video: {}\n", media::describe(*info.video_failure));
  if (info.audio_failure) text += fmt::format("  audio: {}\n", media::describe(*info.audio_failure));
  return text;
}

}  // namespace

int run_probe(const Arguments& arguments) {
  CommandLine line("cmkd probe FILE... [options]",
                   "Prints what the decoder sees: streams, rates, sizes, rotation, duration, frames by the header and "
                   "decoded, or the\n"
                   "reason why not. Exit status 1 when no file could be read, 6 when some could not.",
                   "cmkd probe clip.mp4\ncmkd probe --json *.mp4\ncmkd probe --no-decode long.mkv");
  line.positional("file", -1);
  line.add()("json", po::bool_switch(), "print JSON, one object a file in a list")(
      "no-decode", po::bool_switch(), "headers only: do not count frames and samples");
  if (!line.parse(arguments)) return 0;
  (void)line.one("file", "media file");
  const std::vector<std::string> files = line.list("file");
  std::size_t unreadable = 0;
  json all = json::array();
  for (const std::string& file : files) {
    const media::Outcome<media::MediaInfo> outcome = media::probe(file, {!line.flag("no-decode")});
    if (!outcome) ++unreadable;
    if (line.flag("json")) {
      json entry = outcome ? info_json(outcome.value()) : json{{"failure", failure_json(outcome.failure())}};
      entry["file"] = file;
      all.push_back(std::move(entry));
    } else {
      print_out(file + "\n" +
                (outcome ? info_text(outcome.value()) : "  " + media::describe(outcome.failure()) + "\n"));
    }
  }
  if (line.flag("json")) print_json(all);
  if (unreadable == 0) return 0;
  return unreadable == files.size() ? 1 : 6;
}

}  // namespace cmkd::apps
