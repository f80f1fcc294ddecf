// A clip cache of the embedded set, small enough for a test.
#pragma once

#include <memory>
#include <string>

#include "cmkd/batches/window_reader.h"
#include "cmkd/synthetic/synthetic.h"
#include "paths.h"

namespace cmkd::test {

// A cache of made clips: 12 frames of 32 x 32 at 8 per second with sound at 8 kHz.
struct Fixture {
  TemporaryFolder folder;
  std::unique_ptr<ClipSource> source;
  std::unique_ptr<ClipCache> cache;
  explicit Fixture(FrameStorage frame_storage = FrameStorage::kRaw,
                   AudioStorage audio_storage = AudioStorage::kFloat32) {
    SyntheticOptions options;
    options.train_clips = 20;
    options.test_clips = 10;
    options.frames = 12;
    make_synthetic(options, folder / "made", 1);
    Parameters parameters(dataset_registry().get("synthetic").parameters);
    parameters.set("root", (folder / "made").string());
    parameters.set("train_clips", std::int64_t{20});
    parameters.set("test_clips", std::int64_t{10});
    parameters.set("frames", std::int64_t{12});
    source = dataset_registry().get("synthetic").open(parameters);
    const ClipList list = source->list();
    IngestSettings settings;
    settings.height = settings.width = 32;
    settings.fps = 8;
    settings.sample_rate = 8000;
    settings.frame_storage = frame_storage;
    settings.audio_storage = audio_storage;
    const std::string fingerprint = source_fingerprint(*source, list, settings, folder / "memo.json");
    cache = std::make_unique<ClipCache>(ingest(*source, list, settings, fingerprint, folder / "cache", {}));
  }
};

inline WindowSettings window() {
  WindowSettings settings;
  settings.frames = 8;
  settings.crop = 24;
  settings.windows = 3;
  settings.test_views = 2;
  return settings;
}

}  // namespace cmkd::test
