// The globals that a pickle may name: what torch.save writes for tensors, and no more.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "pickle_machine.h"

namespace cmkd::weights {

namespace {

struct NamedGlobal {
  std::string_view module;
  std::string_view name;
  GlobalKind kind;
};

constexpr std::array<NamedGlobal, 23> kGlobals{{
    {"collections", "OrderedDict", GlobalKind::kOrderedDict},
    {"torch._utils", "_rebuild_tensor", GlobalKind::kRebuildTensor},
    {"torch._utils", "_rebuild_tensor_v2", GlobalKind::kRebuildTensor},
    {"torch._utils", "_rebuild_tensor_v3", GlobalKind::kRebuildTensorWithType},
    {"torch._utils", "_rebuild_parameter", GlobalKind::kRebuildParameter},
    {"torch._utils", "_rebuild_parameter_with_state", GlobalKind::kRebuildParameter},
    {"torch._tensor", "_rebuild_from_type_v2", GlobalKind::kRebuildFromType},
    {"torch", "Tensor", GlobalKind::kTensorType},
    {"torch.nn.parameter", "Parameter", GlobalKind::kTensorType},
    {"torch.nn.parameter", "Buffer", GlobalKind::kTensorType},
    {"torch.storage", "UntypedStorage", GlobalKind::kUntypedStorage},
    {"torch.storage", "_UntypedStorage", GlobalKind::kUntypedStorage},
    {"torch", "UntypedStorage", GlobalKind::kUntypedStorage},
    {"torch", "device", GlobalKind::kDevice},
    {"torch", "Size", GlobalKind::kSize},
    {"torch._utils", "_rebuild_sparse_tensor", GlobalKind::kUnreadTensor},
    {"torch._utils", "_rebuild_sparse_csr_tensor", GlobalKind::kUnreadTensor},
    {"torch._utils", "_rebuild_qtensor", GlobalKind::kUnreadTensor},
    {"torch._utils", "_rebuild_nested_tensor", GlobalKind::kUnreadTensor},
    {"torch._utils", "_rebuild_meta_tensor_no_storage", GlobalKind::kUnreadTensor},
    {"torch._utils", "_rebuild_wrapper_subclass", GlobalKind::kUnreadTensor},
    {"torch._utils", "_rebuild_device_tensor_from_numpy", GlobalKind::kUnreadTensor},
    {"torch._utils", "_rebuild_device_tensor_from_cpu_tensor", GlobalKind::kUnreadTensor},
}};

// Words of tensors that are not read (layouts, schemes of quantisation), which stand beside their values.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kWords{{
    {"torch.serialization", "_get_layout"},
    {"torch", "per_channel_affine"},
    {"torch", "per_channel_affine_float_qparams"},
    {"torch", "per_channel_symmetric"},
    {"torch", "per_tensor_affine"},
    {"torch", "per_tensor_symmetric"},
}};

bool is_word(std::string_view module, std::string_view name) {
  return std::ranges::find(kWords, std::pair(module, name)) != kWords.end();
}

struct NamedType {
  std::string_view storage;  // "" when the type has no storage class
  std::string_view dtype;
  c10::ScalarType type;
};

// The first ten are read (pickle_objects.cpp); of the others the widths are needed, to find what stands behind them.
constexpr std::array<NamedType, 26> kTypes{{
    {"DoubleStorage", "float64", c10::kDouble},
    {"FloatStorage", "float32", c10::kFloat},
    {"HalfStorage", "float16", c10::kHalf},
    {"BFloat16Storage", "bfloat16", c10::kBFloat16},
    {"LongStorage", "int64", c10::kLong},
    {"IntStorage", "int32", c10::kInt},
    {"ShortStorage", "int16", c10::kShort},
    {"CharStorage", "int8", c10::kChar},
    {"ByteStorage", "uint8", c10::kByte},
    {"BoolStorage", "bool", c10::kBool},
    {"ComplexDoubleStorage", "complex128", c10::kComplexDouble},
    {"ComplexFloatStorage", "complex64", c10::kComplexFloat},
    {"", "complex32", c10::kComplexHalf},
    {"QInt32Storage", "qint32", c10::kQInt32},
    {"QInt8Storage", "qint8", c10::kQInt8},
    {"QUInt8Storage", "quint8", c10::kQUInt8},
    {"QUInt4x2Storage", "quint4x2", c10::kQUInt4x2},
    {"QUInt2x4Storage", "quint2x4", c10::kQUInt2x4},
    {"", "uint16", c10::kUInt16},
    {"", "uint32", c10::kUInt32},
    {"", "uint64", c10::kUInt64},
    {"", "float8_e4m3fn", c10::kFloat8_e4m3fn},
    {"", "float8_e5m2", c10::kFloat8_e5m2},
    {"", "float8_e4m3fnuz", c10::kFloat8_e4m3fnuz},
    {"", "float8_e5m2fnuz", c10::kFloat8_e5m2fnuz},
    {"", "float8_e8m0fnu", c10::kFloat8_e8m0fnu},
}};

std::optional<Global> find_typed(std::string_view module, std::string_view name) {
  if (module != "torch" && module != "torch.cuda") return std::nullopt;
  const std::string full = fmt::format("{}.{}", module, name);
  for (const NamedType& known : kTypes) {
    if (!name.empty() && name == known.storage) return Global{GlobalKind::kStorage, known.type, full};
    if (module == "torch" && name == known.dtype) return Global{GlobalKind::kDtype, known.type, full};
  }
  return std::nullopt;
}

// Why a file may hold this, and how to write it without.
std::string hint_for(std::string_view module, std::string_view name) {
  const std::string save = "torch.save(model.state_dict(), 'weights.pth')";
  if (module == "argparse" && name == "Namespace") {
    return "the file keeps the command line beside the weights: load it in Python where you trust it, and save its "
           "weights alone: torch.save(checkpoint['state_dict'], 'weights.pth')";
  }
  if (module.starts_with("__torch__")) return "this is a TorchScript module: in Python, " + save;
  if (module.starts_with("numpy")) {
    return "the file keeps NumPy values beside the weights: in Python, save its weights alone, or float(value)";
  }
  if (name.find("Storage") != std::string_view::npos || name.find("rebuild") != std::string_view::npos) {
    return "this kind of tensor is not read: save dense tensors of real numbers";
  }
  return "only tensors, plain values and OrderedDict are read, nothing is run: load the file in Python where you trust "
         "it, and save its weights alone: " +
         save;
}

}  // namespace

Global find_global(const ByteReader& reader, std::size_t position, std::string_view module, std::string_view name) {
  const auto known = std::ranges::find_if(
      kGlobals, [&](const NamedGlobal& global) { return global.module == module && global.name == name; });
  if (known != kGlobals.end()) return {known->kind, c10::kByte, fmt::format("{}.{}", module, name)};
  if (const std::optional<Global> typed = find_typed(module, name)) return *typed;
  if (is_word(module, name)) return {GlobalKind::kWord, c10::kByte, fmt::format("{}.{}", module, name)};
  reader.refuse_at(position,
                   fmt::format("the pickle asks for '{}.{}', which is not allowed", shown(module), shown(name)),
                   hint_for(module, name));
}

}  // namespace cmkd::weights
