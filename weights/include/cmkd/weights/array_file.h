// Arrays of numbers and of texts as NumPy writes them: one in a .npy file, several by name in a .npz file. Nothing in a
// file is executed (arrays of objects are refused), and no length in it is trusted.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace cmkd {

struct FileArray {
  at::Tensor numbers;              // on the host; undefined where the array is of texts
  std::vector<std::string> texts;  // one-dimensional, UTF-8
  [[nodiscard]] bool is_text() const { return !numbers.defined(); }
};

// By name; that of a .npy file is "array". Throws Error(kData), naming the file and, of a .npz, the entry, for what is
// neither, for one that is broken or compressed (numpy.savez_compressed), and for a type that is not read.
[[nodiscard]] std::map<std::string, FileArray> read_array_file(const std::filesystem::path& path);

}  // namespace cmkd
