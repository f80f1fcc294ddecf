// What the programs beside a Python peer share: they answer one JSON object a line on standard input by one on standard
// output, and time their own work. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "cmkd/core/clock.h"

namespace cmkd::peers {

[[nodiscard]] std::int64_t page_faults();

// From its making on.
class Stopwatch {
 public:
  // Adds "seconds" (wall), "cpu" (processor, all threads) and "faults" (pages that the kernel had to bring, none of
  // them from disk) to an answer.
  void read_into(nlohmann::json& answer) const;

 private:
  double processor_ = processor_seconds();
  std::int64_t faults_ = page_faults();
  double begin_ = steady_seconds();
};

// NumPy's format, version 1 (NEP 1). `type` as there: "|u1", "<f4".
void write_npy(const std::string& path, const std::string& type, const std::vector<std::int64_t>& shape,
               std::span<const std::byte> bytes);

// Answers until standard input ends; what `answer_to` throws becomes {"error": …}. The exit status.
int serve(const std::function<nlohmann::json(const nlohmann::json& request)>& answer_to);

}  // namespace cmkd::peers
