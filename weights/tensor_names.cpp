// Which of a checkpoint's values are its weights, and what they are called.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "cmkd/core/error.h"
#include "torch_tensors.h"

namespace cmkd::weights {

namespace {

constexpr std::array<const char*, 4> kContainers{"state_dict", "model_state_dict", "model", "net"};
constexpr int kDeepest = 32;
constexpr std::size_t kMostVisits = std::size_t{1} << 18U;  // a hostile dict may hold itself
// A value that stands in a few places (a state dict and its average may be one) is visited in each; more are a trap: a
// hundred values that hold each other ten times would name a million tensors.
constexpr std::size_t kVisitsOfEach = 8;
constexpr std::size_t kLongestName = 1024;  // with those of the dicts around it
constexpr std::size_t kMostLeftOut = 64;

[[noreturn]] void refuse(const WeightFile& file, const std::string& what, const std::string& allowed = "",
                         const std::string& fix = "") {
  throw Error(ErrorKind::kData, {what, file.path.string(), allowed, fix});
}

bool is_name(const PickleValue& key) {
  const auto* text = key.as<std::string>();
  return key.as<std::int64_t>() != nullptr || (text != nullptr && !text->empty() && is_printable(*text));
}

// A key as it is shown: itself where it is a name, else its kind or its bytes.
std::string key_label(const PickleValue& key) {
  if (const auto* number = key.as<std::int64_t>()) return std::to_string(*number);
  const auto* text = key.as<std::string>();
  if (text == nullptr) return fmt::format("({})", kind_of(key));
  return is_name(key) && text->size() <= kLongestName ? *text : fmt::format("'{}'", shown(*text));
}

class Names {
 public:
  Names(WeightFile& file, std::size_t values)
      : file_(file), most_visits_(std::min(kMostVisits, kVisitsOfEach * (values + 1))) {}

  void visit(const PickleValue& value, const std::string& name, int depth) {
    count_visit(depth);
    if (name.size() > kLongestName) refuse(file_, fmt::format("'{}' is too long for a name", shown(name)));
    if (const auto* tensor = value.as<TensorRecord>()) {
      add(name.empty() ? "tensor" : name, *tensor);
    } else if (const auto* dict = value.as<DictValue>()) {
      for (const auto& [key, item] : dict->items) visit_entry(*key, *item, name, depth + 1);
    } else if (const auto* list = value.as<ListValue>()) {
      visit_items(list->items, name, depth);
    } else if (const auto* tuple = value.as<TupleValue>()) {
      visit_items(tuple->items, name, depth);
    } else if (const auto* opaque = value.as<OpaqueValue>(); opaque != nullptr && opaque->is_tensor) {
      refuse_file(
          file_.path, opaque->file_offset,
          fmt::format("tensor '{}' is of a kind that is not read: {}", name.empty() ? "tensor" : shown(name),
                      opaque->name),
          "save dense tensors of bool, int8 to int64, uint8, float16, bfloat16, float32 or float64, or name the "
          "entry that holds the weights");
    } else {
      leave_out(name);
    }
  }

  void leave_out(const std::string& name) {
    if (!name.empty() && file_.left_out.size() < kMostLeftOut) file_.left_out.push_back(name);
  }

  std::map<std::string, TensorRecord> tensors;

 private:
  static std::string joined(const std::string& prefix, const std::string& name) {
    return prefix.empty() ? name : prefix + "." + name;
  }

  void count_visit(int depth) {
    if (++visits_ > most_visits_ || depth > kDeepest) refuse(file_, "the values nest too deep: no checkpoint does so");
  }

  // A key that is no name does no harm where no tensor stands behind it.
  void visit_entry(const PickleValue& key, const PickleValue& item, const std::string& name, int depth) {
    if (is_name(key)) {
      const auto* text = key.as<std::string>();  // whole: a label may be cut
      return visit(item, joined(name, text != nullptr ? *text : key_label(key)), depth);
    }
    if (!holds_tensor(item, depth)) return leave_out(joined(name, key_label(key)));
    if (key.as<std::string>() == nullptr) {
      refuse(file_, fmt::format("a dict of the file has a {} for a key of tensors", kind_of(key)));
    }
    refuse(file_, fmt::format("'{}' is no name: it is empty or not printable", shown(*key.as<std::string>())));
  }

  bool holds_tensor(const PickleValue& value, int depth) {
    count_visit(depth);
    const auto holds = [&](const PickleValue* item) { return holds_tensor(*item, depth + 1); };
    if (const auto* dict = value.as<DictValue>()) {
      return std::ranges::any_of(dict->items, [&](const auto& item) { return holds(item.second); });
    }
    if (const auto* list = value.as<ListValue>()) return std::ranges::any_of(list->items, holds);
    if (const auto* tuple = value.as<TupleValue>()) return std::ranges::any_of(tuple->items, holds);
    const auto* opaque = value.as<OpaqueValue>();
    return value.as<TensorRecord>() != nullptr || (opaque != nullptr && opaque->is_tensor);
  }

  void visit_items(const ValueList& items, const std::string& name, int depth) {
    // Lists of plain numbers (a history of losses) are one value that is left out.
    const auto holds = [](const PickleValue* item) {
      const auto* opaque = item->as<OpaqueValue>();
      return item->as<TensorRecord>() || item->as<DictValue>() || item->as<ListValue>() || item->as<TupleValue>() ||
             (opaque != nullptr && opaque->is_tensor);
    };
    if (std::ranges::none_of(items, holds)) return leave_out(name);
    for (std::size_t i = 0; i < items.size(); ++i) visit(*items[i], joined(name, std::to_string(i)), depth + 1);
  }

  void add(const std::string& name, const TensorRecord& tensor) {
    if (!tensors.emplace(name, tensor).second) {
      refuse_file(file_.path, tensor.file_offset, fmt::format("tensor '{}' stands twice in the file", shown(name)));
    }
  }

  WeightFile& file_;
  std::size_t visits_ = 0;
  std::size_t most_visits_;
};

const PickleValue* entry_of(const PickleValue& value, const std::string& name) {
  const auto* dict = value.as<DictValue>();
  if (dict == nullptr) return nullptr;
  for (const auto& [key, item] : dict->items) {
    if (const auto* text = key->as<std::string>(); text != nullptr && *text == name) return item;
  }
  return nullptr;
}

// A dict with a tensor for one of its values: a state dict.
bool has_tensors(const PickleValue& value) {
  const auto* dict = value.as<DictValue>();
  return dict != nullptr &&
         std::ranges::any_of(dict->items, [](const auto& item) { return item.second->template as<TensorRecord>(); });
}

std::vector<std::string> entry_names(const PickleValue& value) {
  std::vector<std::string> names;
  const auto* dict = value.as<DictValue>();
  if (dict == nullptr) return names;
  for (const auto& [key, item] : dict->items) {
    const auto* text = key->as<std::string>();
    if (text != nullptr && item->as<DictValue>() != nullptr && names.size() < 20) names.push_back(shown(*text));
  }
  return names;
}

// Beside the chosen one; those of no usable name cannot be asked for.
std::vector<std::string> other_state_dicts(const PickleValue& root, const PickleValue* chosen) {
  constexpr std::size_t kMostEntries = 20;
  std::vector<std::string> names;
  const auto* dict = root.as<DictValue>();
  if (dict == nullptr || chosen == &root) return names;
  for (const auto& [key, item] : dict->items) {
    const auto* text = key->as<std::string>();
    if (text == nullptr || item == chosen || !is_name(*key) || !has_tensors(*item)) continue;
    if (names.size() < kMostEntries) names.push_back(*text);
  }
  return names;
}

// The named entry, found step by step along its dots; a name that itself has dots counts as one.
const PickleValue& find_container(const PickleValue& root, const std::string& wanted, const WeightFile& file) {
  const PickleValue* value = &root;
  std::string rest = wanted;
  while (!rest.empty()) {
    std::size_t end = rest.size();
    const PickleValue* next = entry_of(*value, rest);
    while (next == nullptr && end != std::string::npos && end > 0) {
      end = rest.rfind('.', end - 1);
      if (end != std::string::npos) next = entry_of(*value, rest.substr(0, end));
    }
    if (next == nullptr) {
      refuse(file, fmt::format("the file has no entry '{}'", wanted), join(entry_names(root)),
             "name one of these, or .");
    }
    value = next;
    rest = end >= rest.size() ? "" : rest.substr(end + 1);
  }
  return *value;
}

}  // namespace

std::map<std::string, TensorRecord> select_tensors(const PickleValue& root, std::size_t values,
                                                   const WeightFileOptions& options, WeightFile& file) {
  const PickleValue* chosen = &root;
  if (options.container.empty()) {
    for (const char* name : kContainers) {
      const PickleValue* entry = entry_of(root, name);
      if (entry == nullptr || !has_tensors(*entry)) continue;
      chosen = entry;
      file.container = name;
      break;
    }
  } else if (options.container != ".") {
    chosen = &find_container(root, options.container, file);
    file.container = options.container;
  }
  file.other_entries = other_state_dicts(root, chosen);
  Names names(file, values);
  names.visit(*chosen, "", 0);
  if (names.tensors.empty()) {
    refuse(file,
           file.container.empty() ? "the file holds no tensor"
                                  : fmt::format("entry '{}' of the file holds no tensor", file.container),
           join(entry_names(root)), "save a state dict: torch.save(model.state_dict(), path)");
  }
  if (chosen != &root && root.as<DictValue>() != nullptr) {
    const std::string top = file.container.substr(0, file.container.find('.'));
    for (const auto& [key, item] : root.as<DictValue>()->items) {
      const auto* text = key->as<std::string>();
      if (text == nullptr || *text != top) names.leave_out(key_label(*key));
    }
  }
  return std::move(names.tensors);
}

}  // namespace cmkd::weights
