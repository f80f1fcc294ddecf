// An interpreter of Python pickles (protocols 1 to 5) that builds plain values and tensors and nothing else.
//
// A pickle is a program: it may name any function of any module and have it called. Here a global is one of a short
// list (pickle_globals.cpp), and "calling" one makes a value of pickle_value.h; no code of the file's choice ever runs.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "byte_reader.h"
#include "pickle_value.h"

namespace cmkd::weights {

// `position` of the reader's bytes is the opcode's. Throws Error(kData) naming the global, with a hint how to save the
// file without it.
[[nodiscard]] Global find_global(const ByteReader& reader, std::size_t position, std::string_view module,
                                 std::string_view name);

class PickleMachine {
 public:
  // The reader must outlive the machine.
  explicit PickleMachine(ByteReader& reader) : reader_(reader) {}

  // Reads one pickle, from the reader's position to behind its STOP. The value lives as long as the machine.
  [[nodiscard]] const PickleValue& load();
  // Calls visit(const StorageRecord&) for every storage that the pickles named.
  template <typename Visit>
  void visit_storages(const Visit& visit) const {
    for (const PickleValue& value : values_) {
      if (const auto* storage = value.as<StorageRecord>()) visit(*storage);
    }
  }
  // What all pickles together cost: at least one for each opcode that made a value.
  [[nodiscard]] std::size_t charged() const noexcept { return charged_; }
  // Of the last pickle.
  [[nodiscard]] int protocol() const noexcept { return protocol_; }

 private:
  // One opcode; false for STOP.
  bool step();
  // Each takes the opcodes of its kind; false for another's.
  bool step_number(std::uint8_t opcode);
  bool step_text(std::uint8_t opcode);
  bool step_container(std::uint8_t opcode);
  bool step_memo(std::uint8_t opcode);
  bool step_object(std::uint8_t opcode);

  template <typename Held>
  void push(Held held);
  [[nodiscard]] PickleValue* pop(const char* what);
  [[nodiscard]] PickleValue* top(const char* what);
  [[nodiscard]] ValueList pop_to_mark();
  void push_long(std::uint64_t length);
  void push_text_integer();
  void push_tuple(std::size_t count);
  void set_items(const ValueList& items);
  void append(const ValueList& items);
  void remember(std::uint64_t index);
  void recall(std::uint64_t index);
  void charge(std::size_t values);

  [[nodiscard]] const std::string& text_of(const PickleValue& value, const char* what) const;
  [[nodiscard]] std::int64_t integer_of(const PickleValue& value, const char* what) const;
  [[nodiscard]] std::vector<std::int64_t> integers_of(const PickleValue& value, const char* what) const;
  [[nodiscard]] const Global& global_of(const PickleValue& value, const char* what) const;

  void call();        // REDUCE, NEWOBJ
  void build();       // BUILD
  void persistent();  // BINPERSID
  [[nodiscard]] PickleValue call_global(const Global& function, const ValueList& arguments, int depth);
  [[nodiscard]] PickleValue make_dict(const ValueList& arguments);
  [[nodiscard]] PickleValue make_tensor(const Global& function, const ValueList& arguments);
  [[nodiscard]] PickleValue opaque(const Global& function, bool is_tensor) const;
  [[nodiscard]] PickleValue make_device(const ValueList& arguments) const;
  [[noreturn]] void refuse(const std::string& what, const std::string& fix = "") const;

  ByteReader& reader_;
  std::deque<PickleValue> values_;  // flat: nothing is destroyed by recursion, however deep the file nests
  ValueList stack_;
  std::vector<std::size_t> marks_;              // heights of the stack
  std::map<std::uint64_t, PickleValue*> memo_;  // ordered: the file chooses the keys, and could make hashes collide
  std::size_t charged_ = 0;
  std::size_t opcode_position_ = 0;
  int protocol_ = 0;
};

template <typename Held>
void PickleMachine::push(Held held) {
  charge(1);
  values_.push_back(PickleValue{std::move(held)});
  stack_.push_back(&values_.back());
}

}  // namespace cmkd::weights
