// The stack machine: opcodes in, values out. Opcodes of containers stand in pickle_containers.cpp, what globals make of
// their arguments in pickle_objects.cpp.
#include "pickle_machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>

#include "pickle_opcodes.h"

namespace cmkd::weights {

namespace {

// Of all pickles of a file together: a state dict of a thousand tensors has some twenty thousand values. A byte of a
// hostile file may make a value of some 200.
constexpr std::size_t kMostValues = std::size_t{1} << 20U;
constexpr int kNewestProtocol = 5;

}  // namespace

const char* kind_of(const PickleValue& value) {
  static constexpr const char* kKinds[] = {"None",  "bool", "integer", "float",   "text",   "bytes", "list",
                                           "tuple", "dict", "global",  "storage", "tensor", "object"};
  return kKinds[value.held.index()];
}

void PickleMachine::refuse(const std::string& what, const std::string& fix) const {
  reader_.refuse_at(opcode_position_, "the pickle is not readable: " + what, fix);
}

void PickleMachine::charge(std::size_t values) {
  charged_ += values;
  if (charged_ > kMostValues) refuse(fmt::format("more than {} values", kMostValues));
}

PickleValue* PickleMachine::top(const char* what) {
  const std::size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() <= floor) refuse(fmt::format("{} finds nothing on the stack", what));
  return stack_.back();
}

PickleValue* PickleMachine::pop(const char* what) {
  PickleValue* value = top(what);
  stack_.pop_back();
  return value;
}

ValueList PickleMachine::pop_to_mark() {
  if (marks_.empty()) refuse("there is no mark on the stack");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  ValueList items(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return items;
}

const PickleValue& PickleMachine::load() {
  stack_.clear();
  marks_.clear();
  memo_.clear();
  protocol_ = 0;
  while (step()) {
  }
  if (stack_.size() != 1 || !marks_.empty()) refuse(fmt::format("it ends with {} values on its stack", stack_.size()));
  return *stack_.back();
}

bool PickleMachine::step() {
  opcode_position_ = reader_.position();
  if (reader_.left() == 0) refuse("it has no end: the file is cut off or broken", "fetch the file again");
  const std::uint8_t opcode = reader_.u8();
  switch (opcode) {
    case kStop:
      return false;
    case kProto:
      protocol_ = reader_.u8();
      if (protocol_ > kNewestProtocol) refuse(fmt::format("protocol {} is not known", protocol_));
      return true;
    case kFrame:
      if (reader_.u64() > reader_.left()) refuse("a frame reaches beyond the end: the file is cut off or broken");
      return true;
    case kMark:
      charge(1);
      marks_.push_back(stack_.size());
      return true;
    default:
      break;
  }
  if (step_number(opcode) || step_text(opcode) || step_container(opcode) || step_memo(opcode) || step_object(opcode)) {
    return true;
  }
  const bool written = opcode > 0x20 && opcode < 0x7F;
  refuse(fmt::format("opcode 0x{:02x}{} is not allowed", opcode,
                     written ? fmt::format(" ('{}')", static_cast<char>(opcode)) : std::string()),
         "save the weights again with torch.save(state_dict, path), whose pickle has no such opcode");
}

bool PickleMachine::step_number(std::uint8_t opcode) {
  switch (opcode) {
    case kNone:
      push(NoneValue{});
      return true;
    case kNewTrue:
    case kNewFalse:
      push(opcode == kNewTrue);
      return true;
    case kBinInt:
      push(static_cast<std::int64_t>(static_cast<std::int32_t>(reader_.u32())));
      return true;
    case kBinInt1:
      push(static_cast<std::int64_t>(reader_.u8()));
      return true;
    case kBinInt2:
      push(static_cast<std::int64_t>(reader_.u16()));
      return true;
    case kLong1:
      push_long(reader_.u8());
      return true;
    case kLong4:
      push_long(reader_.u32());
      return true;
    case kInt:
    case kLong:
      push_text_integer();
      return true;
    case kBinFloat: {
      std::uint64_t bits = 0;  // big-endian, unlike everything else
      for (const std::byte byte : reader_.take(8)) bits = (bits << 8U) | std::to_integer<std::uint64_t>(byte);
      push(std::bit_cast<double>(bits));
      return true;
    }
    default:
      return false;
  }
}

// Two's complement, little-endian, of any length.
void PickleMachine::push_long(std::uint64_t length) {
  const Bytes bytes = reader_.take(length);
  if (length > 8) return push(ByteText{std::string(as_text(bytes)), true});
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = (value << 8U) | std::to_integer<std::uint64_t>(bytes[i]);
  if (length > 0 && length < 8 && (bytes.back() & std::byte{0x80}) != std::byte{0})
    value |= ~std::uint64_t{0} << (8 * length);
  push(static_cast<std::int64_t>(value));
}

// Decimal digits; "00" and "01" are how protocol 1 writes False and True.
void PickleMachine::push_text_integer() {
  std::string_view text = reader_.line();
  if (text == "00" || text == "01") return push(text == "01");
  if (text.ends_with('L')) text.remove_suffix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = end == text.data() + text.size();
  if (error == std::errc::result_out_of_range && whole) return push(ByteText{std::string(text), true});
  if (error != std::errc() || !whole) refuse(fmt::format("'{}' is no integer", shown(text)));
  push(value);
}

bool PickleMachine::step_text(std::uint8_t opcode) {
  const auto text = [&](std::uint64_t length) { push(std::string(as_text(reader_.take(length)))); };
  const auto bytes = [&](std::uint64_t length) { push(ByteText{std::string(as_text(reader_.take(length)))}); };
  switch (opcode) {
    case kShortBinString:  // Python 2 wrote its names so
    case kShortBinUnicode:
      text(reader_.u8());
      return true;
    case kBinString:
    case kBinUnicode:
      text(reader_.u32());
      return true;
    case kBinUnicode8:
      text(reader_.u64());
      return true;
    case kShortBinBytes:
      bytes(reader_.u8());
      return true;
    case kBinBytes:
      bytes(reader_.u32());
      return true;
    case kBinBytes8:
    case kByteArray8:
      bytes(reader_.u64());
      return true;
    default:
      return false;
  }
}

bool PickleMachine::step_object(std::uint8_t opcode) {
  switch (opcode) {
    case kGlobal: {
      const std::string_view module = reader_.line();
      push(find_global(reader_, opcode_position_, module, reader_.line()));
      return true;
    }
    case kStackGlobal: {
      const std::string name = text_of(*pop("STACK_GLOBAL"), "a global's name");
      push(find_global(reader_, opcode_position_, text_of(*pop("STACK_GLOBAL"), "a module's name"), name));
      return true;
    }
    case kReduce:
    case kNewObj:
      call();
      return true;
    case kBuild:
      build();
      return true;
    case kBinPersId:
      persistent();
      return true;
    default:
      return false;
  }
}

void PickleMachine::call() {
  const PickleValue& arguments = *pop("REDUCE");
  const PickleValue& function = *pop("REDUCE");
  const auto* tuple = arguments.as<TupleValue>();
  if (tuple == nullptr) refuse(fmt::format("a call with a {} for its arguments", kind_of(arguments)));
  push(call_global(global_of(function, "what is called"), tuple->items, 0).held);
}

// State of an OrderedDict (its attribute _metadata), which is no weight, or of an object that is not read.
void PickleMachine::build() {
  const PickleValue& state = *pop("BUILD");
  if (top("BUILD")->as<OpaqueValue>() != nullptr) return;
  if (stack_.back()->as<DictValue>() == nullptr || state.as<DictValue>() == nullptr) {
    refuse(fmt::format("BUILD of a {} with a {}: only attributes of an OrderedDict are read", kind_of(*stack_.back()),
                       kind_of(state)));
  }
}

}  // namespace cmkd::weights
