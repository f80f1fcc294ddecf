// Lists of YouTube videos: what a network was pretrained on, to find the same videos among a dataset's clips.
#pragma once

#include <filesystem>
#include <set>
#include <string>

namespace cmkd {

// The ids of a table with a column "youtube_id" (Kinetics' lists), or of a text with one id a line. Throws Error(kData)
// with file and line for a row that holds no id.
[[nodiscard]] std::set<std::string> read_video_ids(const std::filesystem::path& file);

}  // namespace cmkd
