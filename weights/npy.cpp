// NumPy's .npy, versions 1 to 3 (NEP 1): magic, version, header length, a Python dict as text, the elements.
#include <ATen/Functions.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <set>

#include "torch_tensors.h"
#include "weight_formats.h"

namespace cmkd::weights {

namespace {

constexpr std::size_t kMagicSize = 6;
constexpr std::size_t kMostNpyDimensions = 64;
constexpr std::string_view kTypesRead = "bool, int8 to int64, uint8, float16, float32, float64";

struct NpyHeader {
  std::string descr;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
};

// The header is a dict with exactly three entries of known types: {'descr': '<f4', 'fortran_order': False, 'shape':
// (2, 3), }. No general parser of Python is wanted.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const ByteReader& reader, std::size_t begin)
      : text_(text), reader_(reader), begin_(begin) {}

  NpyHeader parse() {
    NpyHeader header;
    std::set<std::string> seen;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      if (!seen.insert(key).second) refuse(fmt::format("'{}' stands twice", shown(key)));
      expect(':');
      read_value(key, header);
      if (!accept(',') && peek() != '}') refuse("a ',' or '}' is missing");
    }
    if (seen.size() != 3) refuse("not all of 'descr', 'fortran_order' and 'shape' are there");
    peek();
    if (position_ != text_.size()) refuse("there is more behind the '}'");
    return header;
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    reader_.refuse_at(begin_ + position_, "the array's header is broken: " + why);
  }
  char peek() {
    position_ = std::min(text_.find_first_not_of(" \t\r\n", position_), text_.size());
    return position_ < text_.size() ? text_[position_] : '\0';
  }
  bool accept(char wanted) {
    if (peek() != wanted) return false;
    ++position_;
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) refuse(fmt::format("a '{}' is missing", wanted));
  }

  std::string quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') refuse("a text in quotes is missing");
    const std::size_t end = text_.find(quote, position_ + 1);
    if (end == std::string_view::npos) refuse("a text without an end");
    std::string value(text_.substr(position_ + 1, end - position_ - 1));
    position_ = end + 1;
    return value;
  }

  void read_value(const std::string& key, NpyHeader& header) {
    if (key == "descr") {
      if (peek() == '[') {
        reader_.refuse_at(begin_ + position_, "an array of records: only arrays of one plain type are read",
                          fmt::format("save one field of it; types: {}", kTypesRead));
      }
      header.descr = quoted();
    } else if (key == "fortran_order") {
      peek();
      const std::string_view rest = text_.substr(position_);
      header.fortran_order = rest.starts_with("True");
      if (!header.fortran_order && !rest.starts_with("False")) refuse("'fortran_order' is neither True nor False");
      position_ += header.fortran_order ? 4 : 5;
    } else if (key == "shape") {
      header.shape = shape();
    } else {
      refuse(fmt::format("'{}' is no entry of it", shown(key)));
    }
  }

  std::vector<std::int64_t> shape() {
    std::vector<std::int64_t> sizes;
    expect('(');
    while (!accept(')')) {
      std::int64_t size = 0;
      peek();
      const char* begin = text_.data() + position_;
      const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), size);
      if (error != std::errc() || size < 0) refuse("a size that is no number from 0 to 2^63 - 1");
      position_ += static_cast<std::size_t>(end - begin);
      accept('L');  // Python 2
      sizes.push_back(size);
      // To Python (3) is a number, not a tuple of one.
      if (!accept(',') && (sizes.size() == 1 || peek() != ')')) refuse("a ',' or ')' is missing");
      if (sizes.size() > kMostNpyDimensions) refuse(fmt::format("more than {} dimensions", kMostNpyDimensions));
    }
    return sizes;
  }

  std::string_view text_;
  const ByteReader& reader_;
  std::size_t begin_;
  std::size_t position_ = 0;
};

std::optional<c10::ScalarType> type_of(std::string_view code) {
  constexpr std::array<std::pair<std::string_view, c10::ScalarType>, 9> kTypes{{{"f2", c10::kHalf},
                                                                                {"f4", c10::kFloat},
                                                                                {"f8", c10::kDouble},
                                                                                {"i1", c10::kChar},
                                                                                {"i2", c10::kShort},
                                                                                {"i4", c10::kInt},
                                                                                {"i8", c10::kLong},
                                                                                {"u1", c10::kByte},
                                                                                {"b1", c10::kBool}}};
  const auto found = std::ranges::find(kTypes, code, &std::pair<std::string_view, c10::ScalarType>::first);
  return found == kTypes.end() ? std::nullopt : std::optional(found->second);
}

NpyHeader read_header(ByteReader& reader) {
  (void)reader.take(kMagicSize);
  const int major = reader.u8();
  (void)reader.u8();
  if (major < 1 || major > 3) {
    reader.refuse_at(kMagicSize, fmt::format("version {} of NumPy's format is not known", major));
  }
  const std::uint64_t length = major == 1 ? reader.u16() : reader.u32();
  const std::size_t begin = reader.position();
  return HeaderParser(as_text(reader.take(length)), reader, begin).parse();
}

// One character of NumPy's UTF-32 as UTF-8.
void append_utf8(std::uint32_t code, std::string& text) {
  const auto put = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | (code >> 6));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

bool is_unicode_scalar(std::uint32_t code) { return code < 0x110000 && (code < 0xD800 || code > 0xDFFF); }

// The last bytes of a text that is shorter than the array's width are zero.
std::string unicode_text(ByteReader& reader, std::int64_t width) {
  std::string text;
  std::string ended;
  for (std::int64_t i = 0; i < width; ++i) {
    const std::uint32_t code = reader.u32();
    if (!is_unicode_scalar(code)) reader.refuse("a text with a character that is none of Unicode's");
    append_utf8(code, ended);
    if (code != 0) text = ended;
  }
  return text;
}

std::string byte_text(ByteReader& reader, std::int64_t width) {
  const std::string_view bytes = as_text(reader.take(static_cast<std::uint64_t>(width)));
  return std::string(bytes.substr(0, bytes.find_last_not_of('\0') + 1));
}

}  // namespace

bool read_npy_texts(Bytes bytes, const std::filesystem::path& path, std::vector<std::string>& texts) {
  ByteReader reader(path, bytes);
  const NpyHeader header = read_header(reader);
  const bool unicode = header.descr.starts_with("<U");
  if (!unicode && !header.descr.starts_with("|S")) return false;
  std::int64_t width = 0;
  const char* end = header.descr.data() + header.descr.size();
  const auto [stop, error] = std::from_chars(header.descr.data() + 2, end, width);
  if (error != std::errc() || stop != end || width < 0) {
    reader.refuse_at(kMagicSize, fmt::format("an array of type '{}' is not read", shown(header.descr)));
  }
  if (header.shape.size() != 1) reader.refuse("an array of texts must have one dimension");
  std::int64_t wanted = unicode ? 4 : 1;
  const bool fits = multiply(wanted, width, wanted) && multiply(wanted, header.shape[0], wanted);
  if (!fits || static_cast<std::uint64_t>(wanted) != reader.left()) {
    reader.refuse(fmt::format("{} texts of {} characters do not fit the {} bytes behind the header", header.shape[0],
                              width, reader.left()));
  }
  // Texts of no width take no bytes: their number is bounded by nothing.
  if (width == 0 && header.shape[0] > 0) reader.refuse("texts without characters");
  for (std::int64_t i = 0; i < header.shape[0]; ++i) {
    texts.push_back(unicode ? unicode_text(reader, width) : byte_text(reader, width));
    if (!is_printable(texts.back())) reader.refuse(fmt::format("text {} is no printable UTF-8", i));
  }
  return true;
}

void read_npy(Bytes bytes, WeightFile& file) {
  ByteReader reader(file.path, bytes);
  const NpyHeader header = read_header(reader);
  const std::string_view descr = header.descr;
  const bool known_order = !descr.empty() && std::string_view("<>|=").find(descr.front()) != std::string_view::npos;
  const std::optional<c10::ScalarType> type = known_order ? type_of(descr.substr(1)) : std::nullopt;
  if (!type) {
    reader.refuse_at(kMagicSize, fmt::format("an array of type '{}' is not read", shown(descr)),
                     fmt::format("convert it in NumPy to one of: {}", kTypesRead));
  }
  std::int64_t wanted = static_cast<std::int64_t>(c10::elementSize(*type));
  std::int64_t strides = wanted;  // LibTorch multiplies the other sizes when one is 0
  for (const std::int64_t size : header.shape) {
    const bool fits = multiply(wanted, size, wanted) && multiply(strides, std::max<std::int64_t>(size, 1), strides);
    if (!fits) reader.refuse("the array's shape is impossible: its size is beyond 64 bits");
  }
  if (static_cast<std::uint64_t>(wanted) != reader.left()) {
    reader.refuse(fmt::format("the shape wants {} bytes, the file has {} behind its header", wanted, reader.left()),
                  "fetch the file again, or write one array a file with numpy.save");
  }
  std::vector<std::int64_t> stored = header.shape;  // as the elements lie: the last changes fastest
  if (header.fortran_order) std::ranges::reverse(stored);
  at::Tensor array = at::empty(stored, at::TensorOptions().dtype(*type));
  const Bytes elements = reader.take(static_cast<std::uint64_t>(wanted));
  if (wanted > 0) {
    auto* data = static_cast<std::byte*>(array.mutable_data_ptr());
    std::memcpy(data, elements.data(), elements.size());
    normalise_bytes({data, elements.size()}, *type, descr.front() == '>');
  }
  if (header.fortran_order && stored.size() > 1) {
    std::vector<std::int64_t> reversed;
    for (std::size_t i = stored.size(); i-- > 0;) reversed.push_back(static_cast<std::int64_t>(i));
    array = array.permute(reversed).contiguous();
  }
  file.tensors.emplace("array", array);
  file.metadata["descr"] = header.descr;
  file.metadata["fortran_order"] = header.fortran_order ? "true" : "false";
}

}  // namespace cmkd::weights
