// The index of a clip cache: written last, so that a cache is whole or not there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cmkd/datasets/clip.h"

namespace cmkd {

struct CacheIndex {
  std::string source_fingerprint;
  std::string decoded_fingerprint;
  IngestSettings settings;
  std::int64_t clips = 0;
  struct ShardEntry {
    std::uint64_t bytes = 0;
    std::string checksum;
  };
  std::vector<ShardEntry> shards;
  struct Excluded {
    std::int64_t clip = 0;
    std::string id;
    std::string reason;
  };
  std::vector<Excluded> excluded;  // for people who read the file; the shards say the same
};

[[nodiscard]] std::filesystem::path index_path(const std::filesystem::path& folder);
void write_index(const std::filesystem::path& folder, const CacheIndex& index);
// Throws Error(kData) when the folder holds no index, or one that is damaged or of another version.
[[nodiscard]] CacheIndex read_index(const std::filesystem::path& folder);

}  // namespace cmkd
