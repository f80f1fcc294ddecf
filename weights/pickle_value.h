// What a pickle of torch.save is made of. Values are owned by the machine that read them; they may share parts, and a
// hostile file may make them contain themselves.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace cmkd::weights {

// The globals that a pickle may name.
enum class GlobalKind {
  kOrderedDict,
  kRebuildTensor,          // (storage, offset, sizes, strides, …)
  kRebuildTensorWithType,  // _rebuild_tensor_v3: (storage, offset, sizes, strides, requires_grad, hooks, dtype, …)
  kRebuildParameter,       // (tensor, requires_grad, hooks, …)
  kRebuildFromType,        // (function, type, arguments, state): a tensor with attributes
  kTensorType,             // torch.Tensor, torch.nn.Parameter: an argument of the former
  kStorage,                // torch.FloatStorage, …
  kUntypedStorage,
  kDtype,  // torch.float32, …
  kDevice,
  kSize,
  kWord,          // a layout or scheme of such a tensor, or what makes one: read past, never made
  kUnreadTensor,  // what makes a sparse, quantised, nested or meta tensor
};

struct Global {
  GlobalKind kind = GlobalKind::kOrderedDict;
  c10::ScalarType type = c10::kFloat;  // kStorage, kDtype
  std::string name;                    // "torch.FloatStorage"
};

// A storage is named in the pickle; its bytes stand elsewhere in the file.
struct StorageRecord {
  std::string key;
  std::optional<c10::ScalarType> type;  // nothing: untyped, counted in bytes
  std::string type_name;                // "torch.FloatStorage"
  std::int64_t numel = 0;
  // Before 1.6 a storage could be a part of another: the first element of it.
  std::int64_t view_offset = 0;
  std::optional<std::int64_t> view_numel;
  std::uint64_t file_offset = 0;  // of the pickle's opcode, for errors
};

struct TensorRecord {
  StorageRecord storage;
  c10::ScalarType type = c10::kFloat;
  std::int64_t offset = 0;  // elements
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> strides;  // elements
  bool negated = false;               // PyTorch's lazy negation: the storage holds the values with the other sign
  std::uint64_t file_offset = 0;
};

struct PickleValue;
using ValueList = std::vector<PickleValue*>;

struct NoneValue {};
struct ByteText {  // bytes, and integers beyond 64 bits: little-endian two's complement, or digits in protocol 1
  std::string bytes;
  bool is_integer = false;
};
struct ListValue {
  ValueList items;
};
struct TupleValue {
  ValueList items;
};
struct DictValue {
  std::vector<std::pair<PickleValue*, PickleValue*>> items;
};

// An object of a kind that is not read. Nothing of it is made or kept; it can be named.
struct OpaqueValue {
  std::string name;  // "argparse.Namespace"
  bool is_tensor = false;
  std::uint64_t file_offset = 0;
};

struct PickleValue {
  std::variant<NoneValue, bool, std::int64_t, double, std::string, ByteText, ListValue, TupleValue, DictValue, Global,
               StorageRecord, TensorRecord, OpaqueValue>
      held;

  template <typename Type>
  [[nodiscard]] const Type* as() const {
    return std::get_if<Type>(&held);
  }
  template <typename Type>
  [[nodiscard]] Type* as() {
    return std::get_if<Type>(&held);
  }
};

// "text", "tuple", "tensor": for errors.
[[nodiscard]] const char* kind_of(const PickleValue& value);

}  // namespace cmkd::weights
