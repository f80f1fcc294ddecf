// Tensors as named collections: fingerprints, safetensors files, and each parameter once.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace torch::nn {
class Module;
}

namespace cmkd {

using TensorMap = std::map<std::string, at::Tensor>;

// Hash of names, shapes, types and bytes (copied to the host first), 32 hexadecimal digits.
[[nodiscard]] std::string fingerprint(const at::Tensor& tensor);
[[nodiscard]] std::string fingerprint(const TensorMap& tensors);

// Parameters and buffers by their registered names, as in PyTorch's state dict; a shared tensor under its first name.
[[nodiscard]] TensorMap state_of(const torch::nn::Module& module);
// Copies values into the module's own tensors, on whatever device these are. Every name must match, in both directions,
// in shape: throws Error(kData) naming `where` and the first missing, unexpected or wrongly shaped entry.
void load_state(torch::nn::Module& module, const TensorMap& state, const std::string& where);
// The same for tensors that are no single module's.
void copy_state(const TensorMap& state, const TensorMap& own, const std::string& where);

// Entries whose name begins with `prefix`, with the prefix removed; and the reverse.
[[nodiscard]] TensorMap with_prefix(const TensorMap& tensors, const std::string& prefix);
void add_with_prefix(TensorMap& target, const std::string& prefix, const TensorMap& source);

// Parameters that want a gradient, each once, in order of first registration. `Module::parameters()` lists a shared
// tensor as often as it is reachable, and an optimiser would then step it as often.
[[nodiscard]] std::vector<at::Tensor> unique_parameters(const torch::nn::Module& module);
// The same in the same order, each with its first name.
[[nodiscard]] std::vector<std::pair<std::string, at::Tensor>> unique_named_parameters(const torch::nn::Module& module);

// Safetensors: 8 bytes header length, JSON header, raw little-endian data. The same content gives the same bytes.
struct SafetensorsFile {
  TensorMap tensors;                            // on the host
  std::map<std::string, std::string> metadata;  // "__metadata__"
};
void write_safetensors(const std::filesystem::path& path, const SafetensorsFile& file);  // atomic
[[nodiscard]] SafetensorsFile read_safetensors(const std::filesystem::path& path);       // throws Error(kData)
// Its metadata alone; no tensor is read. Throws the same.
[[nodiscard]] std::map<std::string, std::string> read_safetensors_metadata(const std::filesystem::path& path);

// A plain dict of tensors as `torch.save` writes it (the conformance vectors). Throws Error(kData).
[[nodiscard]] TensorMap read_tensor_dict(const std::filesystem::path& path);

}  // namespace cmkd
