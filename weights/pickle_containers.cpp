// Containers and the memo of PickleMachine: tuples, lists, dicts, sets, marks, and what is remembered under a number.
#include <fmt/format.h>

#include "pickle_machine.h"
#include "pickle_opcodes.h"

namespace cmkd::weights {

bool PickleMachine::step_container(std::uint8_t opcode) {
  switch (opcode) {
    case kEmptyTuple:
      push(TupleValue{});
      return true;
    case kTuple1:
    case kTuple2:
    case kTuple3:
      push_tuple(static_cast<std::size_t>(opcode - kTuple1) + 1);
      return true;
    case kTuple:
      push(TupleValue{pop_to_mark()});
      return true;
    case kEmptyList:
    case kEmptySet:  // a set holds no tensors' names: a list of its members
      push(ListValue{});
      return true;
    case kList:
    case kFrozenSet:
      push(ListValue{pop_to_mark()});
      return true;
    case kAppend:
      append({pop("APPEND")});
      return true;
    case kAppends:
    case kAddItems:
      append(pop_to_mark());
      return true;
    case kEmptyDict:
      push(DictValue{});
      return true;
    case kDict: {
      const ValueList items = pop_to_mark();
      push(DictValue{});
      set_items(items);
      return true;
    }
    case kSetItem: {
      PickleValue* value = pop("SETITEM");
      set_items({pop("SETITEM"), value});
      return true;
    }
    case kSetItems:
      set_items(pop_to_mark());
      return true;
    default:
      return false;
  }
}

void PickleMachine::push_tuple(std::size_t count) {
  ValueList items(count);
  for (std::size_t i = count; i-- > 0;) items[i] = pop("TUPLE");
  push(TupleValue{std::move(items)});
}

void PickleMachine::append(const ValueList& items) {
  if (top("APPEND")->as<OpaqueValue>() != nullptr) return;
  auto* list = stack_.back()->as<ListValue>();
  if (list == nullptr) refuse(fmt::format("APPEND to a {}", kind_of(*stack_.back())));
  list->items.insert(list->items.end(), items.begin(), items.end());
}

void PickleMachine::set_items(const ValueList& items) {
  if (top("SETITEMS")->as<OpaqueValue>() != nullptr) return;
  auto* dict = stack_.back()->as<DictValue>();
  if (dict == nullptr) refuse(fmt::format("SETITEMS on a {}", kind_of(*stack_.back())));
  if (items.size() % 2 != 0) refuse("SETITEMS with a key that has no value");
  for (std::size_t i = 0; i < items.size(); i += 2) dict->items.emplace_back(items[i], items[i + 1]);
}

bool PickleMachine::step_memo(std::uint8_t opcode) {
  switch (opcode) {
    case kPop:
      // An empty frame of the stack: the mark itself is popped.
      if (!marks_.empty() && marks_.back() == stack_.size()) {
        marks_.pop_back();
      } else {
        (void)pop("POP");
      }
      return true;
    case kPopMark:
      (void)pop_to_mark();
      return true;
    case kDup:
      charge(1);
      stack_.push_back(top("DUP"));
      return true;
    case kBinPut:
      remember(reader_.u8());
      return true;
    case kLongBinPut:
      remember(reader_.u32());
      return true;
    case kMemoize:
      remember(memo_.size());
      return true;
    case kBinGet:
      recall(reader_.u8());
      return true;
    case kLongBinGet:
      recall(reader_.u32());
      return true;
    default:
      return false;
  }
}

void PickleMachine::remember(std::uint64_t index) {
  charge(1);
  memo_[index] = top("PUT");
}

void PickleMachine::recall(std::uint64_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) refuse(fmt::format("entry {} of its memo is not there", index));
  charge(1);
  stack_.push_back(found->second);
}

}  // namespace cmkd::weights
