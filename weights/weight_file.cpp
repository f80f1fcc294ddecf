#include "cmkd/weights/weight_file.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <array>
#include <exception>
#include <filesystem>
#include <system_error>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/core/hash.h"
#include "cmkd/runtime/errors.h"
#include "torch_tensors.h"
#include "weight_formats.h"

namespace cmkd {

namespace {

using weights::as_text;
using weights::Bytes;
using weights::refuse_file;

constexpr std::size_t kTarMagicOffset = 257;

struct Foreign {
  std::string_view beginning;
  const char* what;
  const char* fix;
};

constexpr std::array<Foreign, 6> kForeign{{
    {"version https://git-lfs", "a pointer of Git LFS, not the file that it points to", "run 'git lfs pull'"},
    {"<", "a page of HTML or XML, not weights", "the download went to a page: fetch the file itself"},
    {"\x89HDF\r\n", "an HDF5 file, which is not read", "save the arrays with numpy.save, the weights with torch.save"},
    {"\x1f\x8b", "compressed by gzip", "unpack it with gunzip"},
    {"\x80", "a pickle, but not one of torch.save", "in Python: torch.save(state_dict, 'weights.pth')"},
    {"PAR1", "a Parquet file, which is not read", "save the arrays with numpy.save"},
}};

[[noreturn]] void refuse_unknown(const std::filesystem::path& path, std::string_view text) {
  ErrorParts parts{"not a weight file of a known format", path.string(),
                   "PyTorch (.pth, .pt), safetensors, NumPy (.npy), told by content", ""};
  if (text.empty()) parts.what = "the file is empty";
  for (const Foreign& foreign : kForeign) {
    if (!text.starts_with(foreign.beginning)) continue;
    parts.what = foreign.what;
    parts.fix = foreign.fix;
    break;
  }
  if (text.size() > kTarMagicOffset && text.substr(kTarMagicOffset).starts_with("ustar")) {
    parts.what = "a tar archive: PyTorch's format before 0.1.10, or weights that were packed";
    parts.fix = "unpack it, or load it in Python and torch.save the state dict again";
  }
  throw Error(ErrorKind::kData, parts);
}

void read_safetensors_into(WeightFile& file) {
  SafetensorsFile read = read_safetensors(file.path);
  file.tensors = std::move(read.tensors);
  file.metadata = std::move(read.metadata);
  for (auto& [name, tensor] : file.tensors) {
    if (name.empty() || !weights::is_printable(name)) {
      refuse_file(file.path, 8, fmt::format("'{}' is no name: it is empty or not printable", weights::shown(name)));
    }
    if (tensor.scalar_type() != c10::kBool || tensor.numel() == 0) continue;
    weights::normalise_bytes({static_cast<std::byte*>(tensor.mutable_data_ptr()), tensor.nbytes()}, c10::kBool, false);
  }
}

void read_format(Bytes bytes, const WeightFileOptions& options, WeightFile& file) {
  const std::string_view text = as_text(bytes);
  if (text.starts_with("PK\x03\x04")) {
    file.format = WeightFormat::kTorchZip;
    weights::read_torch_zip(bytes, options, file);
  } else if (text.starts_with("\x93NUMPY")) {
    file.format = WeightFormat::kNumpy;
    weights::read_npy(bytes, file);
  } else if (weights::is_torch_legacy(bytes)) {
    file.format = WeightFormat::kTorchLegacy;
    weights::read_torch_legacy(bytes, options, file);
  } else if (text.size() > 8 && text[8] == '{') {
    file.format = WeightFormat::kSafetensors;
    read_safetensors_into(file);
  } else {
    refuse_unknown(file.path, text);
  }
}

}  // namespace

const char* to_string(WeightFormat format) noexcept {
  switch (format) {
    case WeightFormat::kTorchZip:
      return "PyTorch zip archive";
    case WeightFormat::kTorchLegacy:
      return "PyTorch before 1.6";
    case WeightFormat::kSafetensors:
      return "safetensors";
    case WeightFormat::kNumpy:
      return "NumPy array";
  }
  return "";
}

WeightFile read_weight_file(const std::filesystem::path& path, const WeightFileOptions& options) {
  if (std::filesystem::is_directory(path)) {
    throw Error(ErrorKind::kData,
                {.what = "a folder, not a weight file", .where = path.string(), .fix = "name the file inside it"});
  }
  // Opening a pipe would wait for a writer.
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(path, ignored);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw Error(ErrorKind::kData,
                {.what = "a pipe or device, not a weight file", .where = path.string(), .fix = "copy it to a file"});
  }
  WeightFile file;
  file.path = path;
  const MappedFile mapped(path);
  try {
    read_format(mapped.bytes(), options, file);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Error(ErrorKind::kData,
                {.what = "the file's tensors cannot be made: " + short_message(error), .where = path.string()});
  }
  const bool takes_container = file.format == WeightFormat::kTorchZip || file.format == WeightFormat::kTorchLegacy;
  if (!takes_container && !options.container.empty() && options.container != ".") {
    throw Error(ErrorKind::kData,
                {.what = fmt::format("a {} file has no entry '{}'", to_string(file.format), options.container),
                 .where = path.string(),
                 .fix = "leave the entry away"});
  }
  file.content_hash = hash_file(path);
  return file;
}

std::string describe(const WeightFile& file) {
  std::int64_t values = 0;
  std::uint64_t bytes = 0;
  for (const auto& [name, tensor] : file.tensors) {
    values += tensor.numel();
    bytes += static_cast<std::uint64_t>(tensor.numel()) * tensor.element_size();
  }
  std::string from = file.container.empty() ? "" : fmt::format(", from '{}'", file.container);
  if (!file.other_entries.empty()) from += fmt::format(" (other entries: {})", join(file.other_entries));
  return fmt::format("{}: {}, {} tensor{}, {} values, {}{}", file.path.filename().string(), to_string(file.format),
                     file.tensors.size(), file.tensors.size() == 1 ? "" : "s", values, format_bytes(bytes), from);
}

}  // namespace cmkd
