// Weights and features as other programs write them: PyTorch's two formats, safetensors, NumPy arrays.
//
// The content tells the format, never the name. Nothing in a file is executed: pickles run on an interpreter that knows
// the few globals that tensors need and refuses every other by name. No length in a file is trusted before it is
// compared with the bytes that are there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cmkd/runtime/tensors.h"

namespace cmkd {

enum class WeightFormat { kTorchZip, kTorchLegacy, kSafetensors, kNumpy };

// "PyTorch zip archive", "PyTorch before 1.6", "safetensors", "NumPy array"
[[nodiscard]] const char* to_string(WeightFormat format) noexcept;

struct WeightFile {
  std::filesystem::path path;
  WeightFormat format = WeightFormat::kTorchZip;
  std::string content_hash;  // of the file's bytes, 32 hexadecimal digits
  // On the host, by name ("layer1.0.conv1.weight"); views of one storage share its memory. Names of nested dicts are
  // joined by dots. A file that is one tensor has the name "tensor", a NumPy array the name "array".
  TensorMap tensors;
  std::string container;  // the entry that the tensors are of: "state_dict"; "" for the whole file
  // Other entries that hold a state dict too, in the file's order: "model_ema".
  std::vector<std::string> other_entries;
  std::vector<std::string> left_out;            // entries beside the container, and values that are no tensors: "epoch"
  std::map<std::string, std::string> metadata;  // what the file says of itself: "protocol", "byte_order", "pt.version"
};

struct WeightFileOptions {
  // Which entry of a PyTorch file holds the tensors: "a.b" for one inside another, "." for everything in the file. "":
  // the first of state_dict, model_state_dict, model and net that has tensors, else everything.
  std::string container;
};

// Throws Error(kData), with the byte at which the file is wrong, for a file that is broken, cut off, or of no known
// format, and for one that asks for anything but tensors and plain values.
[[nodiscard]] WeightFile read_weight_file(const std::filesystem::path& path, const WeightFileOptions& options = {});

// A line for people: "state_dict.pth: PyTorch zip archive, 8 tensors, 129 values, 540 B, from 'state_dict'".
[[nodiscard]] std::string describe(const WeightFile& file);

}  // namespace cmkd
