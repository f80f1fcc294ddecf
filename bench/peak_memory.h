// How much memory a piece of work takes at its peak. The kernel keeps one high-water mark for a process, which an
// earlier benchmark may have raised above all that comes later; so each peak is measured in a process of its own, and
// one that did not raise the mark is not known: it is never reported as nothing.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace cmkd::bench {

// Bytes by which `work` raises the resident memory above what is resident before it. Nothing when the mark stands where
// it stood: something before `work` had taken as much (or the system tells no marks).
[[nodiscard]] std::optional<double> peak_above_now(const std::function<void()>& work);

// Starts this program again with --peak-of=NAME --threads=N and returns what it found. Throws std::runtime_error when
// it cannot be started or fails.
[[nodiscard]] std::optional<double> peak_in_own_process(const std::string& name, int threads);

// What that process prints, to be read by the one that started it.
void print_peak(const std::optional<double>& peak);

}  // namespace cmkd::bench
