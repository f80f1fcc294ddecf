// Files of per-clip outputs: CSV and NumPy's two formats.
#include <ATen/Functions.h>
#include <fmt/format.h>

#include <charconv>
#include <sstream>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/core/hash.h"
#include "cmkd/harness/import_outputs.h"
#include "cmkd/readers/csv.h"
#include "cmkd/weights/array_file.h"

namespace cmkd {

namespace {

namespace fs = std::filesystem;

// "nan" and "inf" are read: what is not finite is named later, with its clip.
float parse_output(const CsvTable& table, const CsvRow& row, std::size_t column) {
  const std::string& text = row.fields[column];
  float value = 0;
  const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error == std::errc::result_out_of_range) return 0;  // below the smallest float
  if (error != std::errc() || stop != end) {
    throw Error(ErrorKind::kData,
                {.what = fmt::format("'{}' in column '{}' is no number", text, table.header.fields[column]),
                 .where = table.where(row)});
  }
  return value;
}

OutputsFile read_csv_outputs(const fs::path& path) {
  const CsvTable table = read_csv(path);
  const std::size_t id = table.column("clip");
  OutputsFile file;
  for (std::size_t i = 0; i < table.header.fields.size(); ++i) {
    if (i != id) file.columns.push_back(table.header.fields[i]);
  }
  file.width = static_cast<std::int64_t>(file.columns.size());
  for (const CsvRow& row : table.rows) {
    file.clips.push_back(row.fields[id]);
    for (std::size_t i = 0; i < row.fields.size(); ++i) {
      if (i != id) file.values.push_back(parse_output(table, row, i));
    }
  }
  return file;
}

void take_values(const at::Tensor& array, const std::string& where, OutputsFile& file) {
  if (!array.defined() || array.dim() != 2) {
    throw Error(ErrorKind::kData, {.what = "the outputs are no array of numbers with two dimensions",
                                   .where = where,
                                   .allowed = "[clips, width]"});
  }
  const at::Tensor values = array.to(at::kFloat).contiguous();
  file.width = values.size(1);
  file.values.assign(values.const_data_ptr<float>(), values.const_data_ptr<float>() + values.numel());
}

OutputsFile read_npz_outputs(const fs::path& path) {
  const std::map<std::string, FileArray> arrays = read_array_file(path);
  std::vector<std::string> names;
  for (const auto& [name, array] : arrays) names.push_back(name);
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorKind::kData,
                {what, path.string(), "clips (texts), and scores or embeddings; there are: " + join(names),
                 "numpy.savez(file, clips=ids, scores=scores)"});
  };
  const auto clips = arrays.find("clips");
  if (clips == arrays.end() || !clips->second.is_text()) refuse("the archive has no array 'clips' of texts");
  if (arrays.contains("scores") == arrays.contains("embeddings")) {
    refuse("the archive must have one of the arrays 'scores' and 'embeddings'");
  }
  OutputsFile file;
  file.clips = clips->second.texts;
  const std::string name = arrays.contains("scores") ? "scores" : "embeddings";
  take_values(arrays.at(name).numbers, path.string() + ", " + name, file);
  if (const auto columns = arrays.find("columns"); columns != arrays.end()) file.columns = columns->second.texts;
  return file;
}

OutputsFile read_npy_outputs(const fs::path& path, const fs::path& clips_file) {
  if (clips_file.empty()) {
    throw Error(ErrorKind::kUsage, {.what = "a .npy file does not say which clips its rows are",
                                    .where = path.string(),
                                    .fix = "name a file with their ids, one a line: --clips FILE"});
  }
  OutputsFile file;
  std::istringstream lines(read_file(clips_file));
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) file.clips.push_back(line);
  }
  take_values(read_array_file(path).at("array").numbers, path.string(), file);
  return file;
}

}  // namespace

OutputsFile read_outputs_file(const fs::path& path, const fs::path& clips_file) {
  const std::string begin = read_file(path).substr(0, 6);
  const bool npy = begin.starts_with("\x93NUMPY");
  const bool npz = begin.starts_with("PK\x03\x04");
  if (!clips_file.empty() && !npy) {
    throw Error(ErrorKind::kUsage, {.what = "--clips goes with a .npy file: other formats name the clips themselves",
                                    .where = path.string()});
  }
  OutputsFile file = npy ? read_npy_outputs(path, clips_file) : npz ? read_npz_outputs(path) : read_csv_outputs(path);
  file.path = path;
  file.content_hash = hash_file(path);
  const auto rows = static_cast<std::int64_t>(file.clips.size());
  const bool fits = file.width > 0 && static_cast<std::int64_t>(file.values.size()) == rows * file.width &&
                    (file.columns.empty() || static_cast<std::int64_t>(file.columns.size()) == file.width);
  if (!fits) {
    throw Error(
        ErrorKind::kData,
        {.what = fmt::format("{} clips, {} values and {} names of columns do not fit together: rows are {} wide", rows,
                             file.values.size(), file.columns.size(), file.width),
         .where = path.string()});
  }
  return file;
}

}  // namespace cmkd
