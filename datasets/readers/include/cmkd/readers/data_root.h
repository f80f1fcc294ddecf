// Where a dataset's files are, by the setting `root` of [dataset] in a suite file or `--root` of `cmkd datasets check`.
//
// A root of the form "data/NAME", as the suite files that come along have it, is the folder NAME within the folder that
// the environment variable CMKD_DATA names. Without CMKD_DATA, and in every other form ("./data/NAME", too), a root is
// taken as it stands, from the current folder. No result's key depends on it. docs/data.md says what goes where.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "cmkd/core/parameters.h"
#include "cmkd/datasets/clip.h"

namespace cmkd {

// "data/esc10": "$CMKD_DATA/esc10".
[[nodiscard]] std::filesystem::path data_root(const std::string& root);

// Opens the dataset with the files of data_root(parameters' "root"); a made set keeps its root as it stands. Throws
// Error(kData) when there is no such folder, naming it, CMKD_DATA and docs/data.md.
[[nodiscard]] std::unique_ptr<ClipSource> open_dataset(const DatasetInfo& info, Parameters parameters);

}  // namespace cmkd
