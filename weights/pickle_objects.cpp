// What the allowed globals make of their arguments: dicts, storages, tensors.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "pickle_machine.h"

namespace cmkd::weights {

namespace {

constexpr int kDeepestCall = 4;                     // a parameter's tensor's storage
constexpr std::size_t kMostPickledDimensions = 64;  // LibTorch's limit
// Keys and devices are copied each time that they are used: a long one in the memo would fill the memory.
constexpr std::size_t kLongestCopiedText = 64;

// torch._utils.set_tensor_metadata: a dict of the bits 'neg' and 'conj' behind the other arguments.
bool is_negated(const ValueList& arguments, std::size_t index) {
  const auto* bits = arguments.size() > index ? arguments[index]->as<DictValue>() : nullptr;
  if (bits == nullptr) return false;
  return std::ranges::any_of(bits->items, [](const auto& item) {
    const auto* name = item.first->template as<std::string>();
    const auto* set = item.second->template as<bool>();
    return name != nullptr && *name == "neg" && set != nullptr && *set;
  });
}

// Types that the models and features have; a tensor of another is named, its values are not read.
bool is_read(c10::ScalarType type) {
  constexpr std::array<c10::ScalarType, 10> kRead{c10::kDouble, c10::kFloat, c10::kHalf, c10::kBFloat16, c10::kLong,
                                                  c10::kInt,    c10::kShort, c10::kChar, c10::kByte,     c10::kBool};
  return std::ranges::find(kRead, type) != kRead.end();
}

}  // namespace

const std::string& PickleMachine::text_of(const PickleValue& value, const char* what) const {
  if (const auto* text = value.as<std::string>()) return *text;
  refuse(fmt::format("{} is a {}, not a text", what, kind_of(value)));
}

std::int64_t PickleMachine::integer_of(const PickleValue& value, const char* what) const {
  const auto* integer = value.as<std::int64_t>();
  if (integer == nullptr) refuse(fmt::format("{} is a {}, not an integer", what, kind_of(value)));
  if (*integer < 0) refuse(fmt::format("{} is negative: {}", what, *integer));
  return *integer;
}

std::vector<std::int64_t> PickleMachine::integers_of(const PickleValue& value, const char* what) const {
  const auto* tuple = value.as<TupleValue>();
  if (tuple == nullptr) refuse(fmt::format("{} is a {}, not a tuple", what, kind_of(value)));
  if (tuple->items.size() > kMostPickledDimensions) refuse(fmt::format("{} has {} numbers", what, tuple->items.size()));
  std::vector<std::int64_t> integers;
  for (const PickleValue* item : tuple->items) integers.push_back(integer_of(*item, what));
  return integers;
}

const Global& PickleMachine::global_of(const PickleValue& value, const char* what) const {
  if (const auto* global = value.as<Global>()) return *global;
  refuse(fmt::format("{} is a {}, not a global", what, kind_of(value)));
}

// ('storage', type, key, location, numel), and before 1.6 a sixth: None or (view key, offset, numel).
void PickleMachine::persistent() {
  const PickleValue& value = *pop("BINPERSID");
  const auto* id = value.as<TupleValue>();
  if (id == nullptr || id->items.size() < 5 || id->items.size() > 6) {
    refuse(fmt::format("a persistent id that is a {}, not a storage", kind_of(value)));
  }
  if (const std::string& kind = text_of(*id->items[0], "a persistent id's kind"); kind != "storage") {
    refuse(fmt::format("a persistent id of kind '{}', not 'storage'", shown(kind)),
           "the file holds a whole module: save model.state_dict() instead");
  }
  StorageRecord storage;
  const Global& type = global_of(*id->items[1], "a storage's type");
  if (type.kind != GlobalKind::kStorage && type.kind != GlobalKind::kUntypedStorage) {
    refuse(fmt::format("'{}' is no type of a storage", type.name));
  }
  if (type.kind == GlobalKind::kStorage) storage.type = type.type;
  storage.type_name = type.name;
  storage.key = text_of(*id->items[2], "a storage's key");
  if (storage.key.size() > kLongestCopiedText) {
    refuse(fmt::format("'{}' is too long for a storage's key", shown(storage.key)));
  }
  storage.numel = integer_of(*id->items[4], "a storage's size");
  storage.file_offset = reader_.file_position() - 1;
  if (id->items.size() == 6 && id->items[5]->as<NoneValue>() == nullptr) {
    const auto* view = id->items[5]->as<TupleValue>();
    if (view == nullptr || view->items.size() != 3) refuse("a view of a storage that is no tuple of three");
    storage.view_offset = integer_of(*view->items[1], "a view's offset");
    storage.view_numel = integer_of(*view->items[2], "a view's size");
  }
  values_.push_back(PickleValue{std::move(storage)});
  charge(1);
  stack_.push_back(&values_.back());
}

PickleValue PickleMachine::call_global(const Global& function, const ValueList& arguments, int depth) {
  const auto require = [&](std::size_t least) {
    if (arguments.size() < least) refuse(fmt::format("'{}' with {} arguments", function.name, arguments.size()));
  };
  if (depth > kDeepestCall) refuse(fmt::format("'{}' calls itself", function.name));
  switch (function.kind) {
    case GlobalKind::kOrderedDict:
      return make_dict(arguments);
    case GlobalKind::kRebuildTensor:
      require(4);
      return make_tensor(function, arguments);
    case GlobalKind::kRebuildTensorWithType:
      require(7);
      return make_tensor(function, arguments);
    case GlobalKind::kRebuildParameter: {
      require(1);
      if (const auto* unread = arguments[0]->as<OpaqueValue>(); unread != nullptr && unread->is_tensor) {
        return *arguments[0];
      }
      if (arguments[0]->as<TensorRecord>() == nullptr)
        refuse(fmt::format("a parameter of a {}", kind_of(*arguments[0])));
      charge(arguments[0]->as<TensorRecord>()->sizes.size());
      return *arguments[0];
    }
    case GlobalKind::kRebuildFromType: {
      require(3);
      const auto* inner = arguments[2]->as<TupleValue>();
      if (inner == nullptr) refuse(fmt::format("'{}' without a tuple of arguments", function.name));
      if (global_of(*arguments[1], "a tensor's type").kind != GlobalKind::kTensorType) {
        refuse(fmt::format("a tensor of type '{}'", global_of(*arguments[1], "a tensor's type").name));
      }
      return call_global(global_of(*arguments[0], "what is called"), inner->items, depth + 1);
    }
    case GlobalKind::kDevice:
      return make_device(arguments);
    case GlobalKind::kSize:
      require(1);
      if (arguments[0]->as<TupleValue>() == nullptr) refuse("torch.Size of something that is no tuple");
      charge(arguments[0]->as<TupleValue>()->items.size());
      return *arguments[0];
    case GlobalKind::kWord:
      return opaque(function, /*is_tensor=*/false);
    case GlobalKind::kUnreadTensor:
      return opaque(function, /*is_tensor=*/true);
    default:
      refuse(fmt::format("'{}' is called: it is no function", function.name));
  }
}

// OrderedDict() or OrderedDict([(key, value), …]); Python 2 wrote the pairs as lists.
PickleValue PickleMachine::make_dict(const ValueList& arguments) {
  DictValue dict;
  if (arguments.empty()) return {dict};
  const auto* list = arguments[0]->as<ListValue>();
  if (list == nullptr || arguments.size() > 1) refuse("OrderedDict of something that is no list of pairs");
  charge(list->items.size());
  for (const PickleValue* item : list->items) {
    const auto* tuple = item->as<TupleValue>();
    const auto* pair = item->as<ListValue>();
    const ValueList* parts = tuple != nullptr ? &tuple->items : pair != nullptr ? &pair->items : nullptr;
    if (parts == nullptr || parts->size() != 2) refuse("OrderedDict of something that is no list of pairs");
    dict.items.emplace_back((*parts)[0], (*parts)[1]);
  }
  return {std::move(dict)};
}

PickleValue PickleMachine::opaque(const Global& function, bool is_tensor) const {
  return {OpaqueValue{function.name, is_tensor, reader_.file_position() - 1}};
}

PickleValue PickleMachine::make_tensor(const Global& function, const ValueList& arguments) {
  TensorRecord tensor;
  std::string type_name;
  const auto* storage = arguments[0]->as<StorageRecord>();
  if (storage == nullptr) refuse(fmt::format("'{}' of a {}, not of a storage", function.name, kind_of(*arguments[0])));
  tensor.storage = *storage;
  tensor.offset = integer_of(*arguments[1], "a tensor's offset");
  tensor.sizes = integers_of(*arguments[2], "a tensor's shape");
  tensor.strides = integers_of(*arguments[3], "a tensor's strides");
  if (tensor.sizes.size() != tensor.strides.size()) {
    refuse(fmt::format("a tensor with {} sizes and {} strides", tensor.sizes.size(), tensor.strides.size()));
  }
  charge(tensor.sizes.size());
  tensor.file_offset = reader_.file_position() - 1;
  const bool typed_call = function.kind == GlobalKind::kRebuildTensorWithType;
  tensor.negated = is_negated(arguments, typed_call ? 7 : 6);
  if (typed_call) {
    const Global& type = global_of(*arguments[6], "a tensor's type");
    if (type.kind != GlobalKind::kDtype) refuse(fmt::format("'{}' is no type of a tensor", type.name));
    tensor.type = type.type;
    type_name = type.name;
  } else if (storage->type) {
    tensor.type = *storage->type;
    type_name = storage->type_name;
  } else {
    refuse("a tensor on an untyped storage without a type of its own");
  }
  if (!is_read(tensor.type)) return opaque({function.kind, tensor.type, type_name}, /*is_tensor=*/true);
  return {std::move(tensor)};
}

// torch.device('cuda', 0): kept as the text "cuda:0".
PickleValue PickleMachine::make_device(const ValueList& arguments) const {
  if (arguments.empty() || arguments.size() > 2) refuse(fmt::format("torch.device of {} values", arguments.size()));
  std::string device = text_of(*arguments[0], "a device");
  if (device.size() > kLongestCopiedText) refuse(fmt::format("'{}' is no device", shown(device)));
  if (arguments.size() == 2) device += fmt::format(":{}", integer_of(*arguments[1], "a device's number"));
  return {std::move(device)};
}

}  // namespace cmkd::weights
