// A clip cache that is not ours. The bytes are the index's text up to the first zero byte, then one shard; the
// checksums, which guard against accidents only, are made right here, so that what lies behind them is reached.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cache_index.h"
#include "cmkd/clips/clip_cache.h"
#include "cmkd/core/hash.h"
#include "fuzz.h"
#include "shard.h"

namespace {

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string with_index_checksum(const std::string& text, const std::string& shard) {
  nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
  if (!document.is_object()) return text;
  if (auto shards = document.find("shards");
      shards != document.end() && shards->is_array() && !shards->empty() && shards->front().is_object()) {
    shards->front()["bytes"] = shard.size();
    shards->front()["checksum"] = shard.size() < 32 ? "" : shard.substr(shard.size() - 32);
  }
  document.erase("checksum");
  document["checksum"] = cmkd::hash_hex(document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const cmkd::fuzz::MemoryFolder folder;
  const std::uint8_t* zero = std::find(data, data + size, 0);
  const std::string text(reinterpret_cast<const char*>(data), static_cast<std::size_t>(zero - data));
  std::string shard(reinterpret_cast<const char*>(zero == data + size ? zero : zero + 1),
                    static_cast<std::size_t>(data + size - (zero == data + size ? zero : zero + 1)));
  shard += cmkd::hash_hex(shard);
  folder.write(cmkd::index_path("x").filename().string(), bytes_of(with_index_checksum(text, shard)));
  folder.write(cmkd::shard_path("x", 0).filename().string(), bytes_of(shard));
  cmkd::fuzz::expect_answer([&] {
    const cmkd::ClipCache cache = cmkd::ClipCache::open(folder.path());
    for (std::int64_t i = 0; i < std::min<std::int64_t>(cache.size(), 64); ++i) {
      const cmkd::CachedClip clip = cache.clip(i);
      if (clip.excluded) continue;
      const cmkd::LoadedClip loaded = cache.load(i, 0, std::min<std::int64_t>(clip.frame_count, 2));
      // Every byte that a reader is given can be read.
      std::uint64_t sum = 0;
      for (const std::uint8_t pixel : loaded.clip.pixels) sum += pixel;
      for (const float sample : loaded.clip.samples) sum += sample > 0 ? 1 : 0;
      for (const float time : loaded.clip.frame_time_s) sum += time > 0 ? 1 : 0;
      volatile std::uint64_t kept = sum;
      (void)kept;
    }
  });
  return 0;
}
