// The readers behind read_weight_file, one a format. Each fills `tensors`, `container`, `left_out` and `metadata`.
#pragma once

#include "byte_reader.h"
#include "cmkd/weights/weight_file.h"

namespace cmkd::weights {

void read_torch_zip(Bytes bytes, const WeightFileOptions& options, WeightFile& file);
void read_torch_legacy(Bytes bytes, const WeightFileOptions& options, WeightFile& file);
void read_npy(Bytes bytes, WeightFile& file);
// One-dimensional arrays of text, '<U12' and '|S12', as UTF-8; false where the array is of another type.
[[nodiscard]] bool read_npy_texts(Bytes bytes, const std::filesystem::path& path, std::vector<std::string>& texts);

// The first bytes of a torch.save before 1.6: a pickle of its magic number, in protocol 1 or later.
[[nodiscard]] bool is_torch_legacy(Bytes bytes);

}  // namespace cmkd::weights
