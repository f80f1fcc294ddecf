// From the values of a pickle to named tensors: which entry holds them, and their bytes.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "byte_reader.h"
#include "cmkd/weights/weight_file.h"
#include "pickle_value.h"

namespace cmkd::weights {

// Names the tensors of `root` into `file` (container, left_out) without their bytes. Throws Error(kData) when there are
// none, when a name stands twice, or when the wanted container is not there. `values`: how many the file has; of one
// that names far more, by holding itself again and again, nothing is read.
[[nodiscard]] std::map<std::string, TensorRecord> select_tensors(const PickleValue& root, std::size_t values,
                                                                 const WeightFileOptions& options, WeightFile& file);

struct StorageBytes {
  Bytes bytes;
  std::uint64_t offset = 0;  // in the file
};

// The raw bytes of the storage with a key; called once a storage.
using FindStorage = std::function<StorageBytes(const StorageRecord&)>;

struct MaterialiseOptions {
  bool big_endian = false;
  std::uint64_t file_size = 0;
};

// Tensors as views of copies of their storages. Throws Error(kData) for a tensor that reaches beyond its storage.
[[nodiscard]] TensorMap materialise(const std::map<std::string, TensorRecord>& records, const FindStorage& find,
                                    const MaterialiseOptions& options, const std::filesystem::path& path);

// A tensor's bytes in this machine's order, and booleans that are 0 or 1. `type` gives the width. In place.
void normalise_bytes(std::span<std::byte> bytes, c10::ScalarType type, bool big_endian);

}  // namespace cmkd::weights
