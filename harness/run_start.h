// What a run needs before its first worker and while it watches them. Private to harness/.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "run_ledger.h"

namespace cmkd {

// What does not fit is told before the clips are decoded, which may take hours.
[[nodiscard]] SuiteData checked_data(const Suite& suite, const RunOptions& options);

// The command line of a worker that computes on `device`, after the program's name.
[[nodiscard]] std::vector<std::string> worker_arguments(const Suite& suite, const RunOptions& options,
                                                        const std::string& device);

// "kd seed 3: epoch 4/10 val 61.0 %, step 3/40", of an event "progress".
[[nodiscard]] std::string progress_text(const PlannedTraining& planned, const nlohmann::json& event);

// A further evaluation of a training whose weights were not kept trains it again, which by other code gives others.
[[noreturn]] void refuse_other_code(const Suite& suite, const RunLedger& ledger, const PlannedTraining& planned);

}  // namespace cmkd
