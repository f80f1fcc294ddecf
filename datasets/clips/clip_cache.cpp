#include "cmkd/clips/clip_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "cache_index.h"
#include "cmkd/core/error.h"
#include "cmkd/core/parallel.h"
#include "cmkd/media/jpeg.h"
#include "shard.h"

namespace cmkd {

struct ClipCache::State {
  CacheIndex index;
  std::optional<DecodedClip> made;  // stands for every clip; there are no shards then
  std::vector<Shard> shards;
  std::uint64_t bytes = 0;

  [[nodiscard]] const Shard& shard_of(std::int64_t clip) const {
    return shards[static_cast<std::size_t>(clip / kClipsPerShard)];
  }
  [[nodiscard]] const ShardRecord& record(std::int64_t clip) const {
    return shard_of(clip).records()[static_cast<std::size_t>(clip % kClipsPerShard)];
  }
};

namespace {

constexpr const char* kClipCacheRemedy = "delete the cache folder and run 'cmkd ingest' again";

template <typename Value>
std::span<const Value> view(const Shard& shard, std::uint64_t offset, std::uint64_t count) {
  if (count == 0) return {};
  return {reinterpret_cast<const Value*>(shard.bytes().data() + offset), static_cast<std::size_t>(count)};
}

Shard open_shard(const std::filesystem::path& folder, std::int64_t number, const CacheIndex& index) {
  const std::filesystem::path path = shard_path(folder, number);
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorKind::kData,
                {.what = "a shard of the clip cache is missing", .where = path.string(), .fix = kClipCacheRemedy});
  }
  Shard shard(path, number, index.source_fingerprint);
  const CacheIndex::ShardEntry& entry = index.shards[static_cast<std::size_t>(number)];
  if (shard.checksum() != entry.checksum || shard.bytes().size() != entry.bytes) {
    throw Error(ErrorKind::kData, {.what = "the shard is not the one that the index names: its checksum differs",
                                   .where = path.string(),
                                   .fix = kClipCacheRemedy});
  }
  // A clip's shard is found by its place in the list.
  const bool last = number + 1 == static_cast<std::int64_t>(index.shards.size());
  const auto records = static_cast<std::int64_t>(shard.records().size());
  if (records > kClipsPerShard || (!last && records != kClipsPerShard)) {
    throw Error(ErrorKind::kData, {fmt::format("the shard is damaged: it holds {} clips", records), path.string(),
                                   fmt::format("{}, in the last one fewer", kClipsPerShard), kClipCacheRemedy});
  }
  require_sound_records(shard, index.settings, path);
  return shard;
}

}  // namespace

ClipCache::ClipCache(std::unique_ptr<State> state) : state_(std::move(state)) {}
ClipCache::~ClipCache() = default;
ClipCache::ClipCache(ClipCache&&) noexcept = default;
ClipCache& ClipCache::operator=(ClipCache&&) noexcept = default;

ClipCache ClipCache::open(const std::filesystem::path& folder, const std::string& expected_fingerprint) {
  auto state = std::make_unique<State>();
  state->index = read_index(folder);
  if (!expected_fingerprint.empty() && state->index.source_fingerprint != expected_fingerprint) {
    throw Error(ErrorKind::kData,
                {fmt::format("the clip cache was made from another source (fingerprint {}): files, labels, splits or "
                             "ingest settings differ",
                             state->index.source_fingerprint),
                 folder.string(), expected_fingerprint, kClipCacheRemedy});
  }
  const auto count = static_cast<std::int64_t>(state->index.shards.size());
  std::vector<std::optional<Shard>> shards(static_cast<std::size_t>(count));
  // Checking is bound by memory, not by cores: four threads saturate it.
  for_each_in_parallel(count, std::min(4, available_threads()), [&](std::int64_t number) {
    shards[static_cast<std::size_t>(number)].emplace(open_shard(folder, number, state->index));
  });
  std::int64_t clips = 0;
  for (std::optional<Shard>& shard : shards) {
    state->bytes += shard->bytes().size();
    clips += static_cast<std::int64_t>(shard->records().size());
    state->shards.push_back(std::move(*shard));
  }
  if (clips != state->index.clips) {
    throw Error(ErrorKind::kData,
                {.what = fmt::format("the index names {} clips, the shards hold {}", state->index.clips, clips),
                 .where = folder.string(),
                 .fix = kClipCacheRemedy});
  }
  return ClipCache(std::move(state));
}

std::int64_t ClipCache::size() const noexcept { return state_->index.clips; }

CachedClip ClipCache::clip(std::int64_t index) const {
  if (state_->made) {
    const DecodedClip& made = *state_->made;
    CachedClip clip;
    clip.id = fmt::format("{}", index);
    clip.frame_count = made.frame_count;
    clip.pixels = made.pixels;
    clip.frame_time_s = made.frame_time_s;
    clip.sample_count = static_cast<std::int64_t>(made.samples.size());
    clip.samples = made.samples;
    return clip;
  }
  const Shard& shard = state_->shard_of(index);
  const ShardRecord& record = state_->record(index);
  CachedClip clip;
  clip.id = record.id;
  clip.excluded = !record.reason.empty();
  clip.reason = record.reason;
  clip.note = record.note;
  clip.frame_count = record.frame_count;
  clip.sample_count = record.sample_count;
  if (state_->index.settings.frame_storage == FrameStorage::kRaw) {
    clip.pixels = view<std::uint8_t>(shard, record.pixels_offset, record.pixels_bytes);
  }
  clip.frame_time_s = view<float>(shard, record.times_offset, static_cast<std::uint64_t>(record.frame_count));
  if (state_->index.settings.audio_storage == AudioStorage::kFloat32) {
    clip.samples = view<float>(shard, record.samples_offset, static_cast<std::uint64_t>(record.sample_count));
  }
  return clip;
}

LoadedClip ClipCache::load(std::int64_t index, std::int64_t first_frame, std::int64_t frames) const {
  LoadedClip loaded;
  loaded.clip = clip(index);
  loaded.first_frame = std::clamp<std::int64_t>(first_frame, 0, loaded.clip.frame_count);
  const std::int64_t rest = loaded.clip.frame_count - loaded.first_frame;
  loaded.loaded_frames = frames < 0 ? rest : std::min(frames, rest);
  if (state_->made) {
    const std::size_t frame_bytes =
        loaded.clip.pixels.size() / static_cast<std::size_t>(std::max<std::int64_t>(loaded.clip.frame_count, 1));
    loaded.clip.pixels = loaded.clip.pixels.subspan(static_cast<std::size_t>(loaded.first_frame) * frame_bytes,
                                                    static_cast<std::size_t>(loaded.loaded_frames) * frame_bytes);
    return loaded;
  }
  const Shard& shard = state_->shard_of(index);
  const ShardRecord& record = state_->record(index);
  const auto frame_bytes = static_cast<std::size_t>(3 * record.height * record.width);
  const auto first = static_cast<std::size_t>(loaded.first_frame);
  const auto count = static_cast<std::size_t>(loaded.loaded_frames);
  if (state_->index.settings.frame_storage == FrameStorage::kRaw) {
    loaded.clip.pixels = loaded.clip.pixels.subspan(first * frame_bytes, count * frame_bytes);
  } else {
    const auto stored = view<std::uint8_t>(shard, record.pixels_offset, record.pixels_bytes);
    loaded.owned_pixels.resize(count * frame_bytes);
    for (std::size_t k = 0; k < count; ++k) {
      std::uint64_t range[2];
      std::memcpy(range, stored.data() + (first + k) * sizeof(std::uint64_t), sizeof range);
      media::decode_jpeg(stored.subspan(range[0], range[1] - range[0]), static_cast<int>(record.height),
                         static_cast<int>(record.width),
                         std::span(loaded.owned_pixels).subspan(k * frame_bytes, frame_bytes));
    }
    loaded.clip.pixels = loaded.owned_pixels;
  }
  if (state_->index.settings.audio_storage == AudioStorage::kInt16) {
    const auto stored =
        view<std::int16_t>(shard, record.samples_offset, static_cast<std::uint64_t>(record.sample_count));
    loaded.owned_samples.reserve(stored.size());
    for (const std::int16_t sample : stored) {
      loaded.owned_samples.push_back(static_cast<float>(sample * record.sample_scale));
    }
    loaded.clip.samples = loaded.owned_samples;
  }
  return loaded;
}

ClipCache ClipCache::stand_in(const IngestSettings& settings, std::int64_t clips, std::int64_t frames) {
  auto state = std::make_unique<State>();
  state->index.settings = settings;
  state->index.settings.frame_storage = FrameStorage::kRaw;
  state->index.settings.audio_storage = AudioStorage::kFloat32;
  state->index.clips = clips;
  DecodedClip& made = state->made.emplace();
  if (settings.video) {
    made.frame_count = frames;
    made.pixels.resize(static_cast<std::size_t>(3 * frames * settings.height * settings.width));
    // Nothing constant: a batch norm of constant input would be timed on denormal numbers.
    for (std::size_t i = 0; i < made.pixels.size(); ++i) made.pixels[i] = static_cast<std::uint8_t>(i * 37 % 251);
    const double fps = settings.fps > 0 ? settings.fps : 1.0;
    for (std::int64_t k = 0; k < frames; ++k) {
      made.frame_time_s.push_back(static_cast<float>(static_cast<double>(k) / fps));
    }
  }
  if (settings.audio) {
    made.samples.resize(
        static_cast<std::size_t>(settings.sound_is_features() ? settings.feature_values : settings.sample_rate));
    for (std::size_t i = 0; i < made.samples.size(); ++i) made.samples[i] = std::sin(0.3F * static_cast<float>(i));
  }
  return ClipCache(std::move(state));
}

const IngestSettings& ClipCache::settings() const noexcept { return state_->index.settings; }
const std::string& ClipCache::source_fingerprint() const noexcept { return state_->index.source_fingerprint; }
const std::string& ClipCache::decoded_fingerprint() const noexcept { return state_->index.decoded_fingerprint; }
std::uint64_t ClipCache::bytes() const noexcept { return state_->bytes; }

}  // namespace cmkd
