#include "cache_index.h"

#include <fmt/format.h>

#include <concepts>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/core/hash.h"
#include "shard.h"

namespace cmkd {

namespace {

using nlohmann::json;

constexpr const char* kFormat = "cmkd clip cache";
constexpr const char* kCacheIndexRemedy = "delete the cache folder and run 'cmkd ingest' again";

json settings_to_json(const IngestSettings& settings) {
  return {{"video", settings.video},
          {"audio", settings.audio},
          {"height", settings.height},
          {"width", settings.width},
          {"fps", settings.fps},
          {"sample_rate", settings.sample_rate},
          {"max_duration_s", settings.max_duration_s},
          {"frame_storage", to_string(settings.frame_storage)},
          {"audio_storage", to_string(settings.audio_storage)},
          {"audio_form", to_string(settings.audio_form)},
          {"feature_values", settings.feature_values}};
}

// A JSON number may be 1e42 or 0.5: only an integer that the type holds is read as one.
template <std::integral Integer>
void read_integer(const json& object, const char* name, Integer& value) {
  const json& number = object.at(name);
  const bool fits = number.is_number_unsigned()  ? std::in_range<Integer>(number.get<std::uint64_t>())
                    : number.is_number_integer() ? std::in_range<Integer>(number.get<std::int64_t>())
                                                 : false;
  if (!fits) throw std::domain_error(fmt::format("'{}' is {}, no integer of its range", name, number.dump()));
  number.get_to(value);
}

template <NamedEnum Enum>
Enum enum_from_json(const json& value) {
  const auto name = value.get<std::string>();
  if (const std::optional<Enum> found = find_named<Enum>(name)) return *found;
  throw Error(ErrorKind::kData,
              {fmt::format("the clip cache was stored as '{}', which this program does not know", name), "index.json",
               join(names_of<Enum>()), kCacheIndexRemedy});
}

IngestSettings settings_from_json(const json& value) {
  IngestSettings settings;
  value.at("video").get_to(settings.video);
  value.at("audio").get_to(settings.audio);
  read_integer(value, "height", settings.height);
  read_integer(value, "width", settings.width);
  value.at("fps").get_to(settings.fps);
  read_integer(value, "sample_rate", settings.sample_rate);
  value.at("max_duration_s").get_to(settings.max_duration_s);
  settings.frame_storage = enum_from_json<FrameStorage>(value.at("frame_storage"));
  settings.audio_storage = enum_from_json<AudioStorage>(value.at("audio_storage"));
  // Caches from before features have none.
  if (value.contains("audio_form")) settings.audio_form = enum_from_json<AudioForm>(value.at("audio_form"));
  if (value.contains("feature_values")) read_integer(value, "feature_values", settings.feature_values);
  return settings;
}

// The hash of everything else in the index, by its canonical text (sorted keys).
std::string own_checksum(json document) {
  document.erase("checksum");
  return hash_hex(document.dump(-1, ' ', false, json::error_handler_t::replace));
}

// Whoever reads clips goes by these: what this project does not write is refused.
void require_known(const IngestSettings& settings) {
  const auto side_is_known = [](int side) { return side >= 0 && side <= kLargestSide; };
  const bool known = side_is_known(settings.height) && side_is_known(settings.width) && settings.sample_rate >= 0 &&
                     (settings.fps == 0 || settings.fps > 1e-6) && settings.feature_values >= 0;
  if (!known) throw std::domain_error("its settings are none of 'cmkd ingest'");
}

CacheIndex parse(const json& document) {
  CacheIndex index;
  document.at("source_fingerprint").get_to(index.source_fingerprint);
  document.at("decoded_fingerprint").get_to(index.decoded_fingerprint);
  index.settings = settings_from_json(document.at("settings"));
  require_known(index.settings);
  read_integer(document, "clips", index.clips);
  for (const json& shard : document.at("shards")) {
    CacheIndex::ShardEntry& entry = index.shards.emplace_back();
    read_integer(shard, "bytes", entry.bytes);
    shard.at("checksum").get_to(entry.checksum);
  }
  for (const json& clip : document.at("excluded")) {
    CacheIndex::Excluded& entry = index.excluded.emplace_back();
    read_integer(clip, "clip", entry.clip);
    clip.at("id").get_to(entry.id);
    clip.at("reason").get_to(entry.reason);
  }
  return index;
}

}  // namespace

std::filesystem::path index_path(const std::filesystem::path& folder) { return folder / "index.json"; }

void write_index(const std::filesystem::path& folder, const CacheIndex& index) {
  json document = {{"format", kFormat},
                   {"version", kCacheVersion},
                   {"source_fingerprint", index.source_fingerprint},
                   {"decoded_fingerprint", index.decoded_fingerprint},
                   {"settings", settings_to_json(index.settings)},
                   {"clips", index.clips},
                   {"shards", json::array()},
                   {"excluded", json::array()}};
  for (const CacheIndex::ShardEntry& shard : index.shards) {
    document["shards"].push_back({{"bytes", shard.bytes}, {"checksum", shard.checksum}});
  }
  for (const CacheIndex::Excluded& clip : index.excluded) {
    document["excluded"].push_back({{"clip", clip.clip}, {"id", clip.id}, {"reason", clip.reason}});
  }
  document["checksum"] = own_checksum(document);
  write_file_atomically(index_path(folder), document.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
}

CacheIndex read_index(const std::filesystem::path& folder) {
  const std::filesystem::path path = index_path(folder);
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorKind::kData, {.what = "this folder is not a finished clip cache: it has no index.json",
                                   .where = folder.string(),
                                   .fix = "run 'cmkd ingest' for this dataset"});
  }
  const json document = json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  if (!document.is_object() || document.value("format", json()) != kFormat) {
    throw Error(ErrorKind::kData, {.what = "this file is not the index of a clip cache, or it is damaged",
                                   .where = path.string(),
                                   .fix = kCacheIndexRemedy});
  }
  if (document.value("version", json()) != kCacheVersion) {
    throw Error(ErrorKind::kData,
                {fmt::format("the clip cache has version {}", document.value("version", json()).dump()), path.string(),
                 fmt::format("version {}", kCacheVersion), kCacheIndexRemedy});
  }
  if (document.value("checksum", json()) != own_checksum(document)) {
    throw Error(ErrorKind::kData, {.what = "the index of the clip cache is damaged: its checksum differs",
                                   .where = path.string(),
                                   .fix = kCacheIndexRemedy});
  }
  try {
    return parse(document);
  } catch (const std::exception& error) {
    throw Error(ErrorKind::kData, {.what = fmt::format("the index of the clip cache cannot be read: {}", error.what()),
                                   .where = path.string(),
                                   .fix = kCacheIndexRemedy});
  }
}

}  // namespace cmkd
