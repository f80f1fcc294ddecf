// The parts of an exported folder. Private to reports/.
#pragma once

#include <string>

#include "cmkd/reports/export_folder.h"
#include "cmkd/reports/rerun_check.h"

namespace cmkd::reports {

// A name for files: letters, digits, '-', '_' and '.'; everything else is '-'.
[[nodiscard]] std::string file_name_of(const std::string& text);
// "kd-seed-3-0123456789ab"
[[nodiscard]] std::string run_file_name(const results::TrainingRecord& training);
// A run's weights for a reader: what they are, what they were trained on, how they were judged, and how to make them
// again. With the metadata block that model hubs read.
[[nodiscard]] std::string model_card(const RunContents& run, const std::string& dataset);
[[nodiscard]] std::string clip_list_csv(const results::ClipOutputs& outputs);

}  // namespace cmkd::reports
