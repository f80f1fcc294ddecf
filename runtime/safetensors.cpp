#include <nlohmann/json.hpp>

#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>

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
  throw Error(ErrorKind::kInternal, {.what = std::string("safetensors has no type for ") + c10::toString(type)});
}

std::optional<c10::ScalarType> parse_type(const std::string& text) {
  for (const auto& [type, name] : kTypes) {
    if (text == name) return type;
  }
  return std::nullopt;
}

constexpr std::size_t kLengthSize = 8;
constexpr int kDeepestHeader = 4;  // {"name": {"shape": [

[[noreturn]] void refuse(const std::filesystem::path& path, std::uint64_t byte, const std::string& why) {
  throw Error(ErrorKind::kData, {.what = "not a readable safetensors file: " + why,
                                 .where = path.string() + ", byte " + std::to_string(byte),
                                 .fix = "write the file again"});
}

// A name from the file, quoted, in ASCII: it may hold anything.
std::string name_text(const std::string& name) {
  constexpr std::size_t kShown = 80;
  const std::string text = json(name).dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace);
  return text.size() > kShown ? text.substr(0, kShown) + "…" : text;
}

// What JSON itself would let pass, looked at before any value is made: of two entries of one name a parser keeps the
// last, and a header of brackets alone would be a tree far larger than the file.
class HeaderCheck : public nlohmann::json_sax<json> {
 public:
  // `begin` is the header's first byte in the file.
  HeaderCheck(const std::filesystem::path& path, std::uint64_t begin) : path_(path), begin_(begin) {}

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return true; }
  bool start_object(std::size_t /*size*/) override {
    deepen();
    seen_.emplace_back();
    return true;
  }
  bool key(string_t& name) override {
    if (!seen_.back().insert(name).second) {
      refuse(path_, begin_, (seen_.size() == 1 ? "tensor " : "entry ") + name_text(name) + " stands twice");
    }
    return true;
  }
  bool end_object() override {
    seen_.pop_back();
    --depth_;
    return true;
  }
  bool start_array(std::size_t /*size*/) override {
    deepen();
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(std::size_t position, const std::string& token, const json::exception& /*error*/) override {
    refuse(path_, begin_ + position, "broken header: no JSON at " + name_text(token));
  }

 private:
  void deepen() {
    if (++depth_ > kDeepestHeader) refuse(path_, begin_, "broken header: it nests too deep");
  }

  const std::filesystem::path& path_;
  std::uint64_t begin_;
  int depth_ = 0;
  std::vector<std::set<std::string>> seen_;  // of each object that is open
};

json parse_header(std::span<const std::byte> bytes, const std::filesystem::path& path) {
  const auto* begin = reinterpret_cast<const char*>(bytes.data());
  const char* end = begin + bytes.size();
  // The parser would take a zero byte for the end.
  if (const char* zero = std::find(begin, end, '\0'); zero != end) {
    refuse(path, kLengthSize + static_cast<std::uint64_t>(zero - begin), "broken header: a zero byte");
  }
  HeaderCheck check(path, kLengthSize);
  (void)json::sax_parse(begin, end, &check);
  json header = json::parse(begin, end);
  if (!header.is_object()) refuse(path, kLengthSize, "its header is no object");
  return header;
}

struct Entry {
  std::string name;
  c10::ScalarType type = c10::kFloat;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;  // of the data, which begins behind the header
  std::uint64_t end = 0;
};

// Whole numbers from 0; `get` would round a fraction and take true for 1.
std::vector<std::uint64_t> sizes_of(const json& value, const char* what) {
  std::vector<std::uint64_t> sizes;
  for (const json& size : value.get_ref<const json::array_t&>()) {
    if (!size.is_number_unsigned()) throw std::invalid_argument(std::string("has an impossible ") + what);
    sizes.push_back(size.get<std::uint64_t>());
  }
  return sizes;
}

// Throws std::invalid_argument saying what the tensor has or does.
Entry read_entry(const json& value, std::uint64_t data_size) {
  Entry entry;
  const std::optional<c10::ScalarType> type = parse_type(value.at("dtype").get<std::string>());
  if (!type) throw std::invalid_argument("has an unknown type");
  entry.type = *type;
  std::uint64_t bytes = c10::elementSize(*type);
  std::uint64_t strides = bytes;  // LibTorch multiplies the other sizes when one is 0
  for (const std::uint64_t size : sizes_of(value.at("shape"), "shape")) {
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (size > kMost || (size > 0 && strides > kMost / size)) throw std::invalid_argument("has an impossible shape");
    strides *= std::max<std::uint64_t>(size, 1);
    bytes *= size;
    entry.shape.push_back(static_cast<std::int64_t>(size));
  }
  const std::vector<std::uint64_t> offsets = sizes_of(value.at("data_offsets"), "offset");
  if (offsets.size() != 2) throw std::invalid_argument("has no two offsets");
  entry.begin = offsets[0];
  entry.end = offsets[1];
  if (entry.begin > entry.end || entry.end > data_size) throw std::invalid_argument("lies outside the file");
  if (entry.end - entry.begin != bytes) {
    throw std::invalid_argument("has " + std::to_string(entry.end - entry.begin) + " bytes, its shape wants " +
                                std::to_string(bytes));
  }
  return entry;
}

// Checks type, shape and offsets of all before anything is copied. The format wants the data covered without a hole;
// entries that overlap would let a small file ask for any amount of memory.
std::vector<Entry> read_entries(const json& header, std::uint64_t data_begin, std::uint64_t data_size,
                                const std::filesystem::path& path) {
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") continue;
    try {
      entries.push_back(read_entry(value, data_size));
      entries.back().name = name;
    } catch (const std::invalid_argument& error) {
      refuse(path, kLengthSize, "tensor " + name_text(name) + " " + error.what());
    } catch (const json::exception&) {
      refuse(path, kLengthSize, "broken header: tensor " + name_text(name) + " has no dtype, shape and data_offsets");
    }
  }
  std::ranges::sort(entries, {}, [](const Entry& entry) { return std::pair(entry.begin, entry.end); });
  std::uint64_t covered = 0;
  for (const Entry& entry : entries) {
    if (entry.begin < covered) refuse(path, data_begin + entry.begin, "its tensors overlap: " + name_text(entry.name));
    if (entry.begin > covered) refuse(path, data_begin + covered, "bytes that belong to no tensor");
    covered = entry.end;
  }
  if (covered != data_size) refuse(path, data_begin + covered, "bytes that belong to no tensor");
  return entries;
}

at::Tensor copy_tensor(const Entry& entry, std::span<const std::byte> data) {
  at::Tensor tensor = at::empty(entry.shape, at::TensorOptions().dtype(entry.type));
  if (entry.end > entry.begin) {
    std::memcpy(tensor.mutable_data_ptr(), data.data() + entry.begin, entry.end - entry.begin);
  }
  return tensor;
}

// A file's two parts.
struct Layout {
  Layout(std::span<const std::byte> bytes, const std::filesystem::path& path) {
    std::uint64_t length = 0;
    if (bytes.size() < kLengthSize) refuse(path, bytes.size(), "shorter than its header");
    std::memcpy(&length, bytes.data(), kLengthSize);
    if (length > bytes.size() - kLengthSize) refuse(path, 0, "shorter than its header");
    if (length > kLongestHeader) refuse(path, 0, "its header is longer than the format's 100 MB");
    header = parse_header(bytes.subspan(kLengthSize, length), path);
    data = bytes.subspan(kLengthSize + length);
  }

  json header;
  std::span<const std::byte> data;
};

std::map<std::string, std::string> metadata_of(const json& header, const std::filesystem::path& path) {
  const auto metadata = header.find("__metadata__");
  if (metadata == header.end()) return {};
  try {
    return metadata->get<std::map<std::string, std::string>>();
  } catch (const json::exception&) {
    refuse(path, kLengthSize, "broken header: its __metadata__ is no object of texts");
  }
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

std::map<std::string, std::string> read_safetensors_metadata(const std::filesystem::path& path) {
  const MappedFile mapped(path);
  return metadata_of(Layout(mapped.bytes(), path).header, path);
}

SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  const MappedFile mapped(path);
  const Layout layout(mapped.bytes(), path);
  SafetensorsFile file{{}, metadata_of(layout.header, path)};
  const std::uint64_t data_begin = mapped.bytes().size() - layout.data.size();
  for (const Entry& entry : read_entries(layout.header, data_begin, layout.data.size(), path)) {
    file.tensors.emplace(entry.name, copy_tensor(entry, layout.data));
  }
  return file;
}

}  // namespace cmkd
