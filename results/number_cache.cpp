#include "cmkd/results/number_cache.h"

#include <fmt/format.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/core/hash.h"

namespace cmkd::results {

namespace {

// The file: this line, the hash of all that follows, then for each entry by key: sizes of key and numbers as uint32,
// the key's bytes, the numbers' bits as uint64. Little-endian.
constexpr std::string_view kCacheMagic = "cmkd numbers 1\n";
constexpr std::size_t kHashDigits = 32;

void append_integer(std::string& bytes, std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xFFU);
}

class CacheReader {
 public:
  explicit CacheReader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  std::string_view take(std::size_t size) {
    if (size > rest_.size()) throw Error(ErrorKind::kData, {.what = "an entry is cut off"});
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  std::uint64_t integer(int size) {
    std::uint64_t value = 0;
    const std::string_view bytes = take(static_cast<std::size_t>(size));
    for (int i = 0; i < size; ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)])} << (8 * i);
    }
    return value;
  }

 private:
  std::string_view rest_;
};

std::map<std::string, std::vector<double>> read_entries(std::string_view bytes) {
  if (!bytes.starts_with(kCacheMagic)) throw Error(ErrorKind::kData, {.what = "it is no file of this kind"});
  bytes.remove_prefix(kCacheMagic.size());
  const std::string_view hash = bytes.substr(0, kHashDigits);
  bytes.remove_prefix(hash.size());
  if (hash_hex(bytes) != hash) throw Error(ErrorKind::kData, {.what = "its checksum is wrong"});
  std::map<std::string, std::vector<double>> entries;
  for (CacheReader reader(bytes); !reader.at_end();) {
    const std::uint64_t key_size = reader.integer(4);
    const std::uint64_t count = reader.integer(4);
    const std::string key(reader.take(key_size));
    std::vector<double>& numbers = entries[key];
    for (std::uint64_t i = 0; i < count; ++i) numbers.push_back(std::bit_cast<double>(reader.integer(8)));
  }
  return entries;
}

}  // namespace

NumberCache NumberCache::load(const std::filesystem::path& path) {
  NumberCache cache;
  cache.path_ = path;
  std::error_code code;
  if (!std::filesystem::exists(path, code)) return cache;
  try {
    cache.entries_ = read_entries(read_file(path));
    cache.loaded_ = cache.entries_.size();
  } catch (const Error& error) {
    cache.problem_ = fmt::format("the stored bootstraps in {} cannot be used and are computed again: {}", path.string(),
                                 error.parts().what);
  }
  return cache;
}

std::optional<std::vector<double>> NumberCache::find(const std::string& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return std::nullopt;
  used_.insert(key);
  return found->second;
}

void NumberCache::put(const std::string& key, std::vector<double> numbers) {
  used_.insert(key);
  entries_[key] = std::move(numbers);
  ++computed_;
}

std::string NumberCache::save() const {
  if (path_.empty() || (computed_ == 0 && used_.size() == loaded_ && problem_.empty())) return "";
  std::string body;
  for (const std::string& key : used_) {
    const std::vector<double>& numbers = entries_.at(key);
    append_integer(body, key.size(), 4);
    append_integer(body, numbers.size(), 4);
    body += key;
    for (const double number : numbers) append_integer(body, std::bit_cast<std::uint64_t>(number), 8);
  }
  try {
    std::error_code code;
    std::filesystem::create_directories(path_.parent_path(), code);
    write_file_atomically(path_, std::string(kCacheMagic) + hash_hex(body) + body);
  } catch (const Error& error) {
    return fmt::format("the bootstraps are not kept, and the next report computes them again: {}", error.parts().what);
  }
  return "";
}

std::filesystem::path number_cache_path(const std::filesystem::path& store, const std::string& suite) {
  return std::filesystem::path(store.string() + ".statistics") / (hash_hex(suite).substr(0, 16) + ".bin");
}

}  // namespace cmkd::results
