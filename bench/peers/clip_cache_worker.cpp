// Batches from this suite's clip cache beside a loader that decodes (loader.py): one JSON object a line on standard
// input, one answer a line on standard output.
//
// {"do": "hello"}                            -> versions
// {"do": "ingest", "files", "storage", "height", "width", "fps", "frames", "crop", "windows", "folder"}
//     -> seconds, cpu, bytes, starts [clip][window]: each window's first frame, seconds after the file's first picture
// {"do": "open", the same}                   -> the same of a cache that is there: opening it checks every shard
// {"do": "clips", "draws", "batch"}          -> count, seconds, cpu; draws = [[clip, window, top, left], …]
// {"do": "check", "draws", "out"}            -> {}; uint8 .npy [clips, 3, T, crop, crop]
//
// The frames of a clip are stored at `fps` and exactly `width` x `height`; a batch is what training gathers from the
// cache, uint8 [B, 3, T, crop, crop]. Files are read by one thread.
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "../file_source.h"
#include "cmkd/batches/window_reader.h"
#include "cmkd/core/error.h"
#include "worker.h"

namespace cmkd::peers {

namespace {

using nlohmann::json;

// A cache and what reads windows from it.
struct Opened {
  explicit Opened(ClipCache of) : cache(std::move(of)) {}

  ClipCache cache;
  std::unique_ptr<WindowReader> reader;
};

IngestSettings settings_of(const json& request) {
  IngestSettings settings;
  settings.audio = false;
  settings.height = request.at("height");
  settings.width = request.at("width");
  settings.fps = request.at("fps");
  settings.frame_storage = request.at("storage") == "jpeg" ? FrameStorage::kJpeg : FrameStorage::kRaw;
  return settings;
}

// Ingest includes the fingerprint, for which every file's bytes are read once.
json open_cache(const json& request, bool make, std::unique_ptr<Opened>& opened) {
  const std::filesystem::path folder = request.at("folder").get<std::string>();
  json answer;
  const Stopwatch watch;
  if (make) {
    const auto files = request.at("files").get<std::vector<std::string>>();
    bench::FileSource source({files.begin(), files.end()});
    const ClipList list = source.list();
    const IngestSettings settings = settings_of(request);
    const std::string fingerprint = source_fingerprint(source, list, settings, folder / "memo.json");
    opened = std::make_unique<Opened>(ingest(source, list, settings, fingerprint, folder / "cache", {}));
  } else {
    opened = std::make_unique<Opened>(ClipCache::open(folder / "cache"));
  }
  watch.read_into(answer);
  WindowSettings windows;
  windows.frames = request.at("frames");
  windows.crop = request.at("crop");
  windows.windows = request.at("windows");
  opened->reader = std::make_unique<WindowReader>(opened->cache, windows);
  answer["bytes"] = opened->cache.bytes();
  answer["starts"] = json::array();
  for (std::int64_t clip = 0; clip < opened->cache.size(); ++clip) {
    const CachedClip stored = opened->cache.clip(clip);
    if (stored.excluded) throw Error(ErrorKind::kData, {.what = stored.id + " was not taken: " + stored.reason});
    json starts = json::array();
    for (std::int64_t window = 0; window < windows.windows; ++window) {
      const auto first = opened->reader->place_of(opened->reader->draw_window(clip, window)).frames.front();
      starts.push_back(static_cast<double>(first) / opened->cache.settings().fps);
    }
    answer["starts"].push_back(starts);
  }
  return answer;
}

std::vector<ClipDraw> draws_of(const json& asked) {
  std::vector<ClipDraw> draws;
  for (const json& one : asked) {
    ClipDraw draw;
    draw.clip = one.at(0);
    draw.window = one.at(1);
    draw.top = one.at(2);
    draw.left = one.at(3);
    draws.push_back(draw);
  }
  return draws;
}

json clips(const json& request, const WindowReader& reader) {
  const std::vector<ClipDraw> draws = draws_of(request.at("draws"));
  const auto batch = request.at("batch").get<std::ptrdiff_t>();
  json answer;
  std::int64_t count = 0;
  const Stopwatch watch;
  for (auto first = draws.begin(); first != draws.end();) {
    const auto last = first + std::min(batch, draws.end() - first);
    count += reader.gather_video({first, last}).size(0);
    first = last;
  }
  watch.read_into(answer);
  answer["count"] = count;
  return answer;
}

json check(const json& request, const WindowReader& reader) {
  const at::Tensor batch = reader.gather_video(draws_of(request.at("draws")));
  const auto* pixels = reinterpret_cast<const std::byte*>(batch.const_data_ptr());
  write_npy(request.at("out"), "|u1", batch.sizes().vec(), {pixels, static_cast<std::size_t>(batch.numel())});
  return json::object();
}

json answer_to(const json& request, std::unique_ptr<Opened>& opened) {
  const std::string what = request.at("do");
  if (what == "hello") return {{"versions", {{"cmkd", CMKD_VERSION}, {"FFmpeg", media::ffmpeg_versions()}}}};
  if (what == "ingest" || what == "open") return open_cache(request, what == "ingest", opened);
  if (what == "clips" && opened) return clips(request, *opened->reader);
  if (what == "check" && opened) return check(request, *opened->reader);
  return {{"error", "unknown request '" + what + "', or no cache opened yet"}};
}

}  // namespace

}  // namespace cmkd::peers

int main(int argc, char** /*argv*/) {
  if (argc != 1) {
    std::cerr << "usage: clip_cache_worker   (requests on standard input: the head of its source)\n";
    return 4;
  }
  std::unique_ptr<cmkd::peers::Opened> opened;
  return cmkd::peers::serve([&](const nlohmann::json& request) { return cmkd::peers::answer_to(request, opened); });
}
