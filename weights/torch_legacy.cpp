// PyTorch's format before 1.6 (`_use_new_zipfile_serialization=False`): pickles of a magic number, the protocol, facts
// of the writing machine, the object and the storages' keys; then for each storage its element count (int64) and its
// elements, little-endian whatever machine wrote them.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "pickle_machine.h"
#include "torch_tensors.h"
#include "weight_formats.h"

namespace cmkd::weights {

namespace {

// 0x1950A86A20F9469CFC6C, little-endian, as LONG1 writes it.
constexpr std::string_view kMagic{"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10};
constexpr std::string_view kMagicInProtocol1 = "119547037146038801333356";
constexpr std::int64_t kProtocolVersion = 1001;

void require_version(const PickleValue& value, const ByteReader& reader) {
  const auto* version = value.as<std::int64_t>();
  if (version == nullptr || *version != kProtocolVersion) {
    reader.refuse("an unknown version of PyTorch's format before 1.6", "save the file again with a newer PyTorch");
  }
}

using Widths = std::unordered_map<std::string, std::size_t>;  // bytes an element, by storage key

// Of every storage in the object, used or not: without its width the ones behind it cannot be found.
Widths widths_of(const PickleMachine& machine) {
  Widths widths;
  machine.visit_storages([&](const StorageRecord& storage) {
    widths.emplace(storage.key, storage.type ? c10::elementSize(*storage.type) : 1);
  });
  return widths;
}

using LegacyStorages = std::unordered_map<std::string, StorageBytes>;

LegacyStorages read_storages(const PickleValue& keys, const Widths& widths, ByteReader& reader) {
  const auto* list = keys.as<ListValue>();
  if (list == nullptr) reader.refuse("the storages' keys are no list");
  LegacyStorages storages;
  for (const PickleValue* item : list->items) {
    const auto* key = item->as<std::string>();
    if (key == nullptr) reader.refuse("a storage's key is no text");
    const auto width = widths.find(*key);
    if (width == widths.end()) reader.refuse(fmt::format("storage '{}' is not in the pickle", shown(*key)));
    const std::uint64_t numel = reader.u64();
    if (numel > reader.left() / width->second) {
      reader.refuse(fmt::format("storage '{}' has {} elements of {} bytes, {} bytes are left: the file is cut off or "
                                "broken",
                                shown(*key), numel, width->second, reader.left()),
                    "fetch the file again");
    }
    const std::uint64_t offset = reader.file_position();
    if (!storages.emplace(*key, StorageBytes{reader.take(numel * width->second), offset}).second) {
      reader.refuse(fmt::format("storage '{}' stands twice", shown(*key)));
    }
  }
  return storages;
}

}  // namespace

bool is_torch_legacy(Bytes bytes) {
  // With or without PROTO, with or without FRAME.
  const std::string_view beginning = as_text(bytes.first(std::min<std::size_t>(bytes.size(), 32)));
  return beginning.find(kMagic) != std::string_view::npos || beginning.substr(0, 25).ends_with(kMagicInProtocol1);
}

void read_torch_legacy(Bytes bytes, const WeightFileOptions& options, WeightFile& file) {
  ByteReader reader(file.path, bytes);
  PickleMachine machine(reader);
  const auto* magic = machine.load().as<ByteText>();
  if (magic == nullptr || (magic->bytes != kMagic && magic->bytes != kMagicInProtocol1))
    reader.refuse("the file does not begin with PyTorch's magic number");
  require_version(machine.load(), reader);
  (void)machine.load();  // byte order and sizes of C types where it was written: nothing depends on them
  const PickleValue& root = machine.load();
  const auto records = select_tensors(root, machine.charged(), options, file);
  file.metadata["protocol"] = std::to_string(machine.protocol());
  const Widths widths = widths_of(machine);
  const LegacyStorages storages = read_storages(machine.load(), widths, reader);
  if (reader.left() > 0) reader.refuse(fmt::format("{} bytes behind the last storage", reader.left()));
  const FindStorage find = [&](const StorageRecord& storage) {
    const auto found = storages.find(storage.key);
    if (found == storages.end()) {
      refuse_file(file.path, storage.file_offset, fmt::format("storage '{}' is not in the file", shown(storage.key)));
    }
    return found->second;
  };
  file.tensors = materialise(records, find, {false, bytes.size()}, file.path);
}

}  // namespace cmkd::weights
