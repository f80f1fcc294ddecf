#include "cmkd/weights/array_file.h"

#include <fmt/format.h>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "weight_formats.h"
#include "zip_archive.h"

namespace cmkd {

namespace {

FileArray read_array(weights::Bytes bytes, const std::filesystem::path& path) {
  FileArray array;
  if (weights::read_npy_texts(bytes, path, array.texts)) return array;
  WeightFile file;
  file.path = path;
  weights::read_npy(bytes, file);
  array.numbers = file.tensors.at("array");
  return array;
}

constexpr std::string_view kNpySuffix = ".npy";

}  // namespace

std::map<std::string, FileArray> read_array_file(const std::filesystem::path& path) {
  const MappedFile mapped(path);
  const std::string_view text = weights::as_text(mapped.bytes());
  std::map<std::string, FileArray> arrays;
  if (text.starts_with("\x93NUMPY")) {
    arrays.emplace("array", read_array(mapped.bytes(), path));
    return arrays;
  }
  if (!text.starts_with("PK\x03\x04")) {
    throw Error(ErrorKind::kData, {"not an array of NumPy", path.string(), ".npy and .npz, told by content",
                                   "write it with numpy.save or numpy.savez"});
  }
  const weights::ZipArchive archive(path, mapped.bytes());
  for (const auto& [name, entry] : archive.entries()) {
    if (!name.ends_with(kNpySuffix)) continue;
    // Errors name the entry; bytes count from its beginning.
    const std::filesystem::path shown = path.string() + ", " + weights::shown(name);
    const weights::Bytes content = archive.read(name).bytes;
    if (!weights::as_text(content).starts_with("\x93NUMPY")) weights::refuse_file(shown, 0, "not an array of NumPy");
    arrays.emplace(name.substr(0, name.size() - kNpySuffix.size()), read_array(content, shown));
  }
  if (arrays.empty()) {
    throw Error(ErrorKind::kData, {.what = "the archive holds no array of NumPy",
                                   .where = path.string(),
                                   .fix = "write it with numpy.savez(file, clips=…, scores=…)"});
  }
  return arrays;
}

}  // namespace cmkd
