#include "torch_tensors.h"

#include <ATen/Functions.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

namespace cmkd::weights {

static_assert(std::endian::native == std::endian::little, "weights are little-endian in memory");

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20U;
// Expanded tensors (stride 0) may be larger than the file; a file that claims far more is a trap.
constexpr std::uint64_t kExpansion = 64;

struct StorageKey {
  std::string key;
  std::size_t width;
  auto operator<=>(const StorageKey&) const = default;  // NOLINT(modernize-use-nullptr): of its made code
};

// Elements from the tensor's first to behind its last; 0 for one without elements.
std::optional<std::int64_t> extent_of(const TensorRecord& tensor) {
  std::int64_t extent = 1;
  if (std::ranges::count(tensor.sizes, 0) > 0) return 0;
  for (std::size_t i = 0; i < tensor.sizes.size(); ++i) {
    std::int64_t reach = 0;
    if (!multiply(tensor.sizes[i] - 1, tensor.strides[i], reach) || !add(extent, reach, extent)) return std::nullopt;
  }
  return extent;
}

// Bytes of the tensor when it is written out.
std::optional<std::int64_t> logical_bytes(const TensorRecord& tensor) {
  std::int64_t bytes = static_cast<std::int64_t>(c10::elementSize(tensor.type));
  for (const std::int64_t size : tensor.sizes) {
    if (!multiply(bytes, std::max<std::int64_t>(size, 1), bytes)) return std::nullopt;
  }
  return bytes;
}

class TensorStorages {
 public:
  TensorStorages(const FindStorage& find, const MaterialiseOptions& options, const std::filesystem::path& path)
      : find_(find), options_(options), path_(path) {}

  at::Tensor view(const std::string& name, const TensorRecord& tensor) {
    const auto refuse = [&](const std::string& why) {
      refuse_file(path_, tensor.file_offset, fmt::format("tensor '{}' {}", shown(name), why));
    };
    const auto width = static_cast<std::int64_t>(c10::elementSize(tensor.type));
    const std::optional<std::int64_t> extent = extent_of(tensor);
    const std::optional<std::int64_t> bytes = logical_bytes(tensor);
    if (!extent || !bytes) refuse("has an impossible shape: its size is beyond 64 bits");
    written_ += static_cast<std::uint64_t>(*bytes);
    if (static_cast<std::uint64_t>(*bytes) > limit() || written_ > limit()) {
      refuse("is expanded far beyond the size of the file: an impossible shape");
    }
    std::int64_t first = 0;
    std::int64_t end = 0;
    if (!add(tensor.offset, tensor.storage.view_offset, first) || !add(first, *extent, end)) {
      refuse("has an impossible offset");
    }
    const std::int64_t available = elements_of(tensor.storage, width);
    const bool beyond_view = tensor.storage.view_numel && tensor.offset + *extent > *tensor.storage.view_numel;
    if (*extent > 0 && (end > available || beyond_view)) {
      refuse(fmt::format("reaches to element {} of a storage of {}", end, available));
    }
    const at::TensorOptions type = at::TensorOptions().dtype(tensor.type);
    if (*extent == 0) return at::empty(tensor.sizes, type);
    at::Tensor values = storage(tensor, width).as_strided(tensor.sizes, tensor.strides, first);
    return tensor.negated ? values.neg() : values;
  }

 private:
  [[nodiscard]] std::uint64_t limit() const { return kExpansion * (options_.file_size + kMiB); }

  static std::int64_t elements_of(const StorageRecord& storage, std::int64_t width) {
    return storage.type ? storage.numel : storage.numel / width;
  }

  // [numel] of the tensor's type: a copy of the file's bytes, made once.
  const at::Tensor& storage(const TensorRecord& tensor, std::int64_t width) {
    const StorageKey key{tensor.storage.key, static_cast<std::size_t>(width)};
    auto found = loaded_.find(key);
    if (found == loaded_.end()) found = loaded_.emplace(key, load(tensor, width)).first;
    if (found->second.scalar_type() == tensor.type && found->second.numel() >= elements_of(tensor.storage, width)) {
      return found->second;
    }
    refuse_file(path_, tensor.storage.file_offset,
                fmt::format("storage '{}' is used as two types or sizes", shown(tensor.storage.key)));
  }

  at::Tensor load(const TensorRecord& tensor, std::int64_t width) {
    const StorageBytes source = find_(tensor.storage);
    const std::int64_t numel = elements_of(tensor.storage, width);
    std::int64_t wanted = 0;
    if (!multiply(numel, width, wanted) || static_cast<std::uint64_t>(wanted) > source.bytes.size()) {
      refuse_file(path_, source.offset,
                  fmt::format("storage '{}' has {} bytes: too few for {} elements of {} bytes",
                              shown(tensor.storage.key), source.bytes.size(), numel, width));
    }
    // Storages do not overlap in an honest file.
    copied_ += static_cast<std::uint64_t>(wanted);
    if (copied_ > options_.file_size) refuse_file(path_, source.offset, "the storages together exceed the file");
    at::Tensor storage = at::empty({numel}, at::TensorOptions().dtype(tensor.type));
    if (wanted > 0) {
      auto* data = static_cast<std::byte*>(storage.mutable_data_ptr());
      std::memcpy(data, source.bytes.data(), static_cast<std::size_t>(wanted));
      normalise_bytes({data, static_cast<std::size_t>(wanted)}, tensor.type, options_.big_endian);
    }
    return storage;
  }

  const FindStorage& find_;
  const MaterialiseOptions& options_;
  const std::filesystem::path& path_;
  std::map<StorageKey, at::Tensor> loaded_;
  std::uint64_t copied_ = 0;
  std::uint64_t written_ = 0;
};

}  // namespace

void normalise_bytes(std::span<std::byte> bytes, c10::ScalarType type, bool big_endian) {
  const std::size_t width = c10::elementSize(type);
  if (big_endian && width > 1) {
    for (std::size_t i = 0; i + width <= bytes.size(); i += width) std::ranges::reverse(bytes.subspan(i, width));
  }
  if (type == c10::kBool) {
    for (std::byte& byte : bytes) byte = byte == std::byte{0} ? byte : std::byte{1};
  }
}

TensorMap materialise(const std::map<std::string, TensorRecord>& records, const FindStorage& find,
                      const MaterialiseOptions& options, const std::filesystem::path& path) {
  TensorStorages storages(find, options, path);
  TensorMap tensors;
  for (const auto& [name, record] : records) tensors.emplace(name, storages.view(name, record));
  return tensors;
}

}  // namespace cmkd::weights
