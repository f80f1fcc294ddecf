// What the allowed globals make of their arguments: dicts, storages, tensors.
#include <fmt/format.h>

#include <algorithm>

#include "pickle_machine.h"

namespace cmkd::weights {

namespace {

constexpr int kDeepestCall = 4;              // a parameter's tensor's storage
constexpr std::size_t kMostDimensions = 64;  // LibTorch's limit

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
  if (tuple->items.size() > kMostDimensions) refuse(fmt::format("{} has {} numbers", what, tuple->items.size()));
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
  storage.key = text_of(*id->items[2], "a storage's key");
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
      if (arguments[0]->as<TensorRecord>() == nullptr)
        refuse(fmt::format("a parameter of a {}", kind_of(*arguments[0])));
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

PickleValue PickleMachine::make_tensor(const Global& function, const ValueList& arguments) const {
  TensorRecord tensor;
  const auto* storage = arguments[0]->as<StorageRecord>();
  if (storage == nullptr) refuse(fmt::format("'{}' of a {}, not of a storage", function.name, kind_of(*arguments[0])));
  tensor.storage = *storage;
  tensor.offset = integer_of(*arguments[1], "a tensor's offset");
  tensor.sizes = integers_of(*arguments[2], "a tensor's shape");
  tensor.strides = integers_of(*arguments[3], "a tensor's strides");
  if (tensor.sizes.size() != tensor.strides.size()) {
    refuse(fmt::format("a tensor with {} sizes and {} strides", tensor.sizes.size(), tensor.strides.size()));
  }
  tensor.file_offset = reader_.file_position() - 1;
  if (function.kind == GlobalKind::kRebuildTensorWithType) {
    const Global& type = global_of(*arguments[6], "a tensor's type");
    if (type.kind != GlobalKind::kDtype) refuse(fmt::format("'{}' is no type of a tensor", type.name));
    tensor.type = type.type;
  } else if (storage->type) {
    tensor.type = *storage->type;
  } else {
    refuse("a tensor on an untyped storage without a type of its own");
  }
  return {std::move(tensor)};
}

// torch.device('cuda', 0): kept as the text "cuda:0".
PickleValue PickleMachine::make_device(const ValueList& arguments) const {
  if (arguments.empty() || arguments.size() > 2) refuse(fmt::format("torch.device of {} values", arguments.size()));
  std::string device = text_of(*arguments[0], "a device");
  if (arguments.size() == 2) device += fmt::format(":{}", integer_of(*arguments[1], "a device's number"));
  return {std::move(device)};
}

}  // namespace cmkd::weights
