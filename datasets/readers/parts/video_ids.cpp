#include "cmkd/readers/video_ids.h"

#include <algorithm>

#include "annotation.h"
#include "cmkd/readers/csv.h"
#include "youtube.h"

namespace cmkd {

std::set<std::string> read_video_ids(const std::filesystem::path& file) {
  std::set<std::string> ids;
  const AnnotationText text(file);
  if (text.lines.front().text.find(',') == std::string::npos) {
    for (const AnnotationLine& line : text.lines) ids.insert(youtube_id(line.text, text.where(line)));
    return ids;
  }
  const CsvTable table = read_csv(file);
  const auto found = std::ranges::find(table.header.fields, "youtube_id");
  if (found == table.header.fields.end()) {
    fail_annotation("the header has no column 'youtube_id'", table.where(table.header),
                    "a table with that column, or one id a line");
  }
  const auto column = static_cast<std::size_t>(found - table.header.fields.begin());
  for (const CsvRow& row : table.rows) ids.insert(youtube_id(row.fields[column], table.where(row)));
  return ids;
}

}  // namespace cmkd
