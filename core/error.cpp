#include "cmkd/core/error.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace cmkd {

namespace {

// Levenshtein distance, case-insensitive in ASCII.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitute = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row[b.size()];
}

// "\n  NAME: part"; a part of several lines begins below its name. "" for none.
std::string named(const char* name, const std::string& part) {
  if (part.empty()) return "";
  const bool one_line = part.find('\n') == std::string::npos;
  return std::string("\n  ") + name + (one_line ? ": " + part : ":\n" + indented(part, 4));
}

}  // namespace

Error::Error(ErrorKind kind, ErrorParts parts)
    : std::runtime_error(format(parts)), kind_(kind), parts_(std::move(parts)) {}

std::string Error::format(const ErrorParts& parts) {
  return parts.what + named("where", parts.where) + named("allowed", parts.allowed) + named("fix", parts.fix);
}

int exit_status(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::kUsage:
      return 4;
    case ErrorKind::kData:
    case ErrorKind::kEnvironment:
      return 1;
    case ErrorKind::kNothingSelected:
      return 5;
    case ErrorKind::kInterrupted:
      return 2;
    case ErrorKind::kInternal:
      break;
  }
  return 3;
}

std::string closest_match(std::string_view name, const std::vector<std::string>& candidates) {
  std::string best;
  // Two letters exchanged are two edits: allowed from four letters on.
  std::size_t best_distance = std::max<std::size_t>(name.size() < 4 ? 1 : 2, name.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates) {
  const std::string match = closest_match(name, candidates);
  return match.empty() ? std::string() : "did you mean '" + match + "'?";
}

std::string indented(std::string_view lines, std::size_t spaces) {
  const std::string margin(spaces, ' ');
  std::string text = margin;
  for (const char c : lines) {
    text += c;
    if (c == '\n') text += margin;
  }
  return text;
}

std::string join(const std::vector<std::string>& items, std::string_view separator) {
  std::string text;
  for (const std::string& item : items) {
    if (!text.empty()) text += separator;
    text += item;
  }
  return text;
}

}  // namespace cmkd
