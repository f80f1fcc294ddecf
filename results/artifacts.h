// Large contents as files beside the database, and the bytes of per-clip outputs. Private to results/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "cmkd/results/records.h"

namespace cmkd::results {

// Contents above this many bytes are files, smaller ones rows.
inline constexpr std::size_t kLargestBlob = 1'000'000;

struct Artifact {
  std::string path;         // relative to the folder: "ab/abcdef….bin"
  std::string fingerprint;  // of the bytes
  std::int64_t size_bytes = 0;
};

[[nodiscard]] std::string fingerprint_of(std::span<const std::byte> bytes);

// Writes a content-addressed file, whole or not at all; one that is there with the right bytes is left alone.
[[nodiscard]] Artifact write_artifact_file(const std::filesystem::path& folder, std::span<const std::byte> bytes,
                                           std::string_view extension);
// What a file of the folder is. Throws kData when it is not there.
[[nodiscard]] Artifact describe_artifact_file(const std::filesystem::path& folder, const std::string& relative);
// The bytes. Throws kData when the file is missing or has another fingerprint.
[[nodiscard]] std::string read_artifact_file(const std::filesystem::path& folder, const std::string& relative,
                                             const std::string& fingerprint);

// "" when there are no clips. Throws kInternal when the fields disagree on the number of clips.
[[nodiscard]] std::string encode_outputs(const ClipOutputs& outputs);
// Throws kData, naming `where`, when the bytes are not whole.
[[nodiscard]] ClipOutputs decode_outputs(std::span<const std::byte> bytes, const std::string& where);

}  // namespace cmkd::results
