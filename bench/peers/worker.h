// What the programs beside a Python peer share: they answer one JSON object a line on standard input by one on standard
// output, and time their own work. Not thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

namespace cmkd::peers {

// Of all threads of this process: what other programs take does not count.
[[nodiscard]] double processor_seconds();
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
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// NumPy's format, version 1 (NEP 1). `type` as there: "|u1", "<f4".
void write_npy(const std::string& path, const std::string& type, const std::vector<std::int64_t>& shape,
               std::span<const std::byte> bytes);

// Answers until standard input ends; what `answer_to` throws becomes {"error": …}. The exit status.
int serve(const std::function<nlohmann::json(const nlohmann::json& request)>& answer_to);

}  // namespace cmkd::peers
