// PyTorch's zip archive (1.6 and later): NAME/data.pkl, NAME/data/KEY for each storage, NAME/byteorder.
#include <fmt/format.h>

#include <algorithm>

#include "pickle_machine.h"
#include "torch_tensors.h"
#include "weight_formats.h"
#include "zip_archive.h"

namespace cmkd::weights {

namespace {

constexpr std::string_view kPickleName = "/data.pkl";

// "NAME/" of the one NAME/data.pkl.
std::string find_prefix(const ZipArchive& archive, const std::filesystem::path& path) {
  std::string prefix;
  for (const auto& [name, entry] : archive.entries()) {
    if (!name.ends_with(kPickleName) || std::ranges::count(name, '/') != 1) continue;
    if (!prefix.empty()) refuse_file(path, entry.header_offset, "the archive holds two pickles 'data.pkl'");
    prefix = name.substr(0, name.size() - kPickleName.size() + 1);
  }
  if (!prefix.empty()) return prefix;
  const bool npz =
      std::ranges::any_of(archive.entries(), [](const auto& item) { return item.first.ends_with(".npy"); });
  refuse_file(path, 0, "a zip archive, but not one of torch.save: it has no 'data.pkl'",
              npz ? "this is NumPy's .npz: save one array with numpy.save" : "");
}

bool is_big_endian(const ZipArchive& archive, const std::string& prefix, WeightFile& file) {
  if (!archive.has(prefix + "byteorder")) return false;  // before 2.1: little-endian
  const ZipArchive::Content content = archive.read(prefix + "byteorder");
  const std::string order(as_text(content.bytes));
  if (order != "little" && order != "big") {
    refuse_file(file.path, content.offset, fmt::format("unknown byte order '{}'", shown(order)));
  }
  file.metadata["byte_order"] = order;
  return order == "big";
}

}  // namespace

void read_torch_zip(Bytes bytes, const WeightFileOptions& options, WeightFile& file) {
  const ZipArchive archive(file.path, bytes);
  const std::string prefix = find_prefix(archive, file.path);
  if (archive.has(prefix + "constants.pkl")) {
    refuse_file(file.path, 0, "a TorchScript module: its code and its weights stand in one file",
                "in Python: torch.save(torch.jit.load(path).state_dict(), 'weights.pth')");
  }
  const bool big_endian = is_big_endian(archive, prefix, file);
  const ZipArchive::Content pickle = archive.read(prefix + "data.pkl");
  ByteReader reader(file.path, pickle.bytes, pickle.offset);
  PickleMachine machine(reader);
  const PickleValue& root = machine.load();
  const auto records = select_tensors(root, machine.charged(), options, file);
  file.metadata["protocol"] = std::to_string(machine.protocol());
  if (!archive.has_checksums()) file.metadata["checksums"] = "none";
  const FindStorage find = [&](const StorageRecord& storage) {
    const ZipArchive::Content content = archive.read(prefix + "data/" + storage.key);
    return StorageBytes{content.bytes, content.offset};
  };
  file.tensors = materialise(records, find, {big_endian, bytes.size()}, file.path);
}

}  // namespace cmkd::weights
