#include <nlohmann/json.hpp>

#include <ATen/ops/empty.h>

#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <set>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/runtime/tensors.h"

namespace cmkd {

namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian");

constexpr std::array<std::pair<c10::ScalarType, const char*>, 10> kTypes{{{c10::kDouble, "F64"},
                                                                          {c10::kFloat, "F32"},
                                                                          {c10::kHalf, "F16"},
                                                                          {c10::kBFloat16, "BF16"},
                                                                          {c10::kLong, "I64"},
                                                                          {c10::kInt, "I32"},
                                                                          {c10::kShort, "I16"},
                                                                          {c10::kChar, "I8"},
                                                                          {c10::kByte, "U8"},
                                                                          {c10::kBool, "BOOL"}}};

constexpr std::uint64_t kLongestHeader = 100'000'000;

const char* type_name(c10::ScalarType type) {
  for (const auto& [known, name] : kTypes) {
    if (known == type) return name;
  }
  throw Error(ErrorKind::kInternal, {std::string("safetensors has no type for ") + c10::toString(type), "", "", ""});
}

std::optional<c10::ScalarType> parse_type(const std::string& text) {
  for (const auto& [type, name] : kTypes) {
    if (text == name) return type;
  }
  return std::nullopt;
}

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw Error(ErrorKind::kData, {"not a readable safetensors file: " + why, path.string(), "", "write the file again"});
}

// One tensor of the header: checks type, shape and offsets before anything is read.
at::Tensor read_tensor(const json& entry, std::span<const std::byte> data, const std::filesystem::path& path,
                       const std::string& name) {
  const std::optional<c10::ScalarType> type = parse_type(entry.at("dtype").get<std::string>());
  if (!type) refuse(path, "tensor '" + name + "' has an unknown type");
  const auto shape = entry.at("shape").get<std::vector<std::int64_t>>();
  const auto offsets = entry.at("data_offsets").get<std::array<std::uint64_t, 2>>();
  std::uint64_t bytes = c10::elementSize(*type);
  for (const std::int64_t size : shape) {
    if (size < 0 || (size > 0 && bytes > data.size() / static_cast<std::uint64_t>(size) + 1))
      refuse(path, "tensor '" + name + "' has an impossible shape");
    bytes *= static_cast<std::uint64_t>(size);
  }
  if (offsets[0] > offsets[1] || offsets[1] > data.size() || offsets[1] - offsets[0] != bytes) {
    refuse(path, "tensor '" + name + "' lies outside the file");
  }
  at::Tensor tensor = at::empty(shape, at::TensorOptions().dtype(*type));
  if (bytes > 0) std::memcpy(tensor.mutable_data_ptr(), data.data() + offsets[0], bytes);
  return tensor;
}

// JSON would quietly keep the last of two entries of one name.
json parse_header(const char* begin, const char* end, const std::filesystem::path& path) {
  std::set<std::string> seen;
  return json::parse(begin, end, [&](int depth, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::key && depth == 1 && !seen.insert(value.get<std::string>()).second) {
      refuse(path, "tensor '" + value.get<std::string>() + "' stands twice");
    }
    return true;
  });
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const SafetensorsFile& file) {
  json header = json::object();
  if (!file.metadata.empty()) header["__metadata__"] = file.metadata;
  std::uint64_t offset = 0;
  std::vector<at::Tensor> hosts;
  for (const auto& [name, tensor] : file.tensors) {
    hosts.push_back(tensor.detach().to(at::kCPU).contiguous());
    const std::uint64_t end = offset + hosts.back().nbytes();
    header[name] = {
        {"dtype", type_name(tensor.scalar_type())}, {"shape", tensor.sizes().vec()}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');  // the format asks for data aligned to 8 bytes
  std::string bytes(8, '\0');
  const std::uint64_t length = text.size();
  std::memcpy(bytes.data(), &length, 8);
  bytes += text;
  for (const at::Tensor& host : hosts) bytes.append(static_cast<const char*>(host.const_data_ptr()), host.nbytes());
  write_file_atomically(path, std::string_view(bytes));
}

SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  const MappedFile mapped(path);
  const std::span<const std::byte> bytes = mapped.bytes();
  std::uint64_t length = 0;
  if (bytes.size() < 8) refuse(path, "shorter than its header");
  std::memcpy(&length, bytes.data(), 8);
  if (length > bytes.size() - 8) refuse(path, "shorter than its header");
  if (length > kLongestHeader) refuse(path, "its header is longer than the format's 100 MB");
  SafetensorsFile file;
  std::uint64_t copied = 0;
  try {
    const char* begin = reinterpret_cast<const char*>(bytes.data()) + 8;
    const json header = parse_header(begin, begin + length, path);
    if (!header.is_object()) refuse(path, "its header is no object");
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") {
        file.metadata = entry.get<std::map<std::string, std::string>>();
      } else {
        file.tensors.emplace(name, read_tensor(entry, bytes.subspan(8 + length), path, name));
        copied += file.tensors.at(name).nbytes();
        // A small file whose tensors overlap could ask for any amount of memory.
        if (copied > bytes.size() - 8 - length) refuse(path, "its tensors overlap");
      }
    }
  } catch (const json::exception& error) {
    refuse(path, std::string("broken header: ") + error.what());
  }
  return file;
}

}  // namespace cmkd
