// This suite's clip reader for the comparison of clip readers (a Python program that measures several and joins any
// that answers its requests): one JSON object a line on standard input, one answer a line on standard output.
//
//   python clip_readers.py --data DIR --json FILE --external "cmkd=build/release/bench/clip_reader_worker --core
//   {core}"
//
// {"do": "hello"}                                   -> versions, threads, what it can, a note
// {"do": "clips", "items", "clips", "spec"}         -> count, seconds, cpu, failures; clips = [[item, [time, …]], …]
// {"do": "frames", "items", "short"}                -> the same; count = frames, and per_file
// {"do": "audio", "items"}                          -> the same; count = files
// {"do": "check", "items", "clips", "spec", "out"}  -> ok, times; writes uint8 .npy [clips, T, 3, crop, crop]
// {"do": "bank", "item", "spec", "out"}             -> {}; every frame in order, uint8 .npy [N, 3, crop, crop]
// {"do": "sound", "item", "out"}                    -> {}; float32 .npy
//
// Times are the container's. Every clip opens and closes its file.
#include <sched.h>
#include <sys/resource.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "cmkd/media/audio.h"
#include "cmkd/media/video.h"
#include "worker.h"

namespace {

using cmkd::peers::Stopwatch;
using cmkd::peers::write_npy;
using nlohmann::json;
namespace media = cmkd::media;

constexpr double kSlackS = 2e-6;  // two times closer than this are the same instant
constexpr int kAudioRate = 16000;

template <typename Value>
Value value_of(media::Outcome<Value> outcome) {
  if (!outcome.ok()) throw std::runtime_error(media::describe(outcome.failure()));
  return std::move(outcome.value());
}

// Exactly the size that the request's items have when their short side is `short_side`; 0: as they are.
media::VideoOptions options_of(const json& item, int short_side) {
  media::VideoOptions options;
  if (short_side == 0) return options;
  const double width = item.at("width");
  const double height = item.at("height");
  const bool upright = width <= height;
  options.size.width = upright ? short_side : static_cast<int>(short_side * width / height);
  options.size.height = upright ? static_cast<int>(short_side * height / width) : short_side;
  return options;
}

// [T, 3, H, W] -> [T, 3, crop, crop] from the centre; a half is rounded to even.
std::vector<std::uint8_t> centre_of(const media::VideoFrames& frames, int crop) {
  const auto corner = [crop](int length) { return std::lrint((length - crop) / 2.0); };
  if (frames.height < crop || frames.width < crop) throw std::runtime_error("the picture is smaller than the crop");
  std::vector<std::uint8_t> pixels;
  pixels.reserve(static_cast<std::size_t>(frames.frame_count * 3) * static_cast<std::size_t>(crop * crop));
  const std::uint8_t* plane = frames.pixels.data() + corner(frames.height) * frames.width + corner(frames.width);
  for (std::int64_t k = 0; k < frames.frame_count * 3; ++k, plane += std::ptrdiff_t{frames.height} * frames.width) {
    for (int row = 0; row < crop; ++row) {
      const std::uint8_t* begin = plane + static_cast<std::ptrdiff_t>(row) * frames.width;
      pixels.insert(pixels.end(), begin, begin + crop);
    }
  }
  return pixels;
}

struct Clip {
  std::vector<std::uint8_t> pixels;
  std::vector<double> times;  // of the frames, the container's
};

Clip read_clip(const json& item, const json& asked, const json& spec) {
  media::VideoReader reader = value_of(
      media::VideoReader::open(item.at("path").get<std::string>(), options_of(item, spec.at("short").get<int>())));
  const double origin = reader.origin_s();
  std::vector<double> times;
  for (const json& time : asked) times.push_back(time.get<double>() + kSlackS - origin);
  const media::VideoFrames frames = value_of(reader.frames_at(times));
  Clip clip{centre_of(frames, spec.at("crop")), frames.presentation_time_s};
  for (double& time : clip.times) time += origin;
  return clip;
}

media::VideoFrames read_all(const json& item, int short_side) {
  return value_of(media::decode_video(item.at("path").get<std::string>(), {}, options_of(item, short_side)));
}

json check(const json& request) {
  const json& spec = request.at("spec");
  const std::int64_t frames = spec.at("frames");
  const std::int64_t crop = spec.at("crop");
  std::vector<std::uint8_t> all;
  json answer{{"ok", json::array()}, {"times", json::array()}};
  const std::size_t clip_bytes = static_cast<std::size_t>(frames * 3 * crop * crop);
  for (const json& asked : request.at("clips")) {
    all.resize(all.size() + clip_bytes, 0);
    try {
      const Clip clip = read_clip(request.at("items").at(asked.at(0).get<std::size_t>()), asked.at(1), spec);
      std::copy(clip.pixels.begin(), clip.pixels.end(), all.end() - static_cast<std::ptrdiff_t>(clip_bytes));
      answer["ok"].push_back("");
      answer["times"].push_back(clip.times);
    } catch (const std::exception& error) {
      answer["ok"].push_back(error.what());
      answer["times"].push_back(nullptr);
    }
  }
  write_npy(request.at("out"), "|u1", {static_cast<std::int64_t>(request.at("clips").size()), frames, 3, crop, crop},
            std::as_bytes(std::span(all)));
  return answer;
}

json bank(const json& request) {
  const int crop = request.at("spec").at("crop");
  const media::VideoFrames frames = read_all(request.at("item"), request.at("spec").at("short"));
  const std::vector<std::uint8_t> pixels = centre_of(frames, crop);
  write_npy(request.at("out"), "|u1", {frames.frame_count, 3, crop, crop}, std::as_bytes(std::span(pixels)));
  return json::object();
}

std::vector<float> read_sound(const json& item) {
  return value_of(media::decode_audio(item.at("path").get<std::string>(), kAudioRate)).samples;
}

json sound(const json& request) {
  const std::vector<float> samples = read_sound(request.at("item"));
  write_npy(request.at("out"), "<f4", {static_cast<std::int64_t>(samples.size())}, std::as_bytes(std::span(samples)));
  return json::object();
}

// Does one file's work, which returns how much it was; what it throws is a failure of that file.
using Job = std::function<void(const std::string& path, const std::function<std::int64_t()>& work)>;

json timed(const std::function<void(json& answer, const Job& job)>& jobs) {
  json answer{{"count", 0}, {"failures", json::array()}, {"counters", json::object()}};
  std::int64_t count = 0;
  const Stopwatch watch;
  jobs(answer, [&](const std::string& path, const std::function<std::int64_t()>& work) {
    try {
      count += work();
    } catch (const std::exception& error) {
      answer["failures"].push_back({path, error.what()});
    }
  });
  watch.read_into(answer);
  answer["count"] = count;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  answer["peak_rss_mb"] = usage.ru_maxrss / 1024;
  return answer;
}

json clips(const json& request) {
  const json& spec = request.at("spec");
  const std::size_t bytes = spec.at("frames").get<std::size_t>() * 3 * spec.at("crop").get<std::size_t>() *
                            spec.at("crop").get<std::size_t>();
  return timed([&](json& /*answer*/, const Job& job) {
    for (const json& asked : request.at("clips")) {
      const json& item = request.at("items").at(asked.at(0).get<std::size_t>());
      job(item.at("path"), [&] {
        if (read_clip(item, asked.at(1), spec).pixels.size() != bytes)
          throw std::runtime_error("a clip of another size");
        return std::int64_t{1};
      });
    }
  });
}

json frames(const json& request) {
  const int short_side = request.at("short").is_null() ? 0 : request.at("short").get<int>();
  return timed([&](json& answer, const Job& job) {
    answer["per_file"] = json::object();
    for (const json& item : request.at("items")) {
      const std::string path = item.at("path");
      job(path, [&] {
        const std::int64_t count = read_all(item, short_side).frame_count;
        answer["per_file"][path] = count;
        return count;
      });
    }
  });
}

json audio(const json& request) {
  return timed([&](json& /*answer*/, const Job& job) {
    for (const json& item : request.at("items")) {
      if (item.at("audio_duration").get<double>() <= 0) continue;
      job(item.at("path"), [&] {
        (void)read_sound(item);
        return std::int64_t{1};
      });
    }
  });
}

json hello() {
  return {{"versions", {{"cmkd", CMKD_VERSION}, {"FFmpeg", media::ffmpeg_versions()}}},
          {"threads", "one decoding thread"},
          {"can", {"audio", "clips", "frames"}},
          {"note",
           "seek to the key frame before, decode on and skip what nobody references, convert only the wanted frames"}};
}

json answer_to(const json& request) {
  const std::string what = request.at("do");
  if (what == "hello") return hello();
  if (what == "clips") return clips(request);
  if (what == "frames") return frames(request);
  if (what == "audio") return audio(request);
  if (what == "check") return check(request);
  if (what == "bank") return bank(request);
  if (what == "sound") return sound(request);
  return {{"error", "unknown request '" + what + "'"}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--core") {
    if (const int core = std::atoi(argv[2]); core >= 0) {
      cpu_set_t cores;
      CPU_ZERO(&cores);
      CPU_SET(static_cast<std::size_t>(core), &cores);
      if (sched_setaffinity(0, sizeof(cores), &cores) != 0) {
        std::cerr << "clip_reader_worker: there is no core " << core << "\n";
        return 1;
      }
    }
  } else if (argc != 1) {
    std::cerr << "usage: clip_reader_worker [--core N]   (requests on standard input: the head of its source)\n";
    return 4;
  }
  return cmkd::peers::serve(answer_to);
}
