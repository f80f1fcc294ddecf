#include "cmkd/methods/source_code.h"

#include <algorithm>
#include <iterator>

namespace cmkd {

namespace {

// Never destroyed, as the registries: filled by static objects in any order.
struct KnownSources {
  std::vector<MethodSource> methods;
  std::string shared_code;
};

KnownSources& known_sources() {
  static auto* sources = new KnownSources;
  return *sources;
}

constexpr const char* kDiffers = "Differs:";

struct Span {
  std::size_t begin = std::string::npos;
  std::size_t end = std::string::npos;
};

// From the marker, at the beginning of a line, up to the next empty line.
Span differing_paragraph(const std::string& head) {
  Span span;
  if (head.starts_with(kDiffers)) span.begin = 0;
  const std::size_t inside = head.find(std::string("\n") + kDiffers);
  if (span.begin == std::string::npos && inside != std::string::npos) span.begin = inside + 1;
  if (span.begin != std::string::npos) span.end = std::min(head.find("\n\n", span.begin), head.size());
  return span;
}

}  // namespace

std::string differences_in(const std::string& head) {
  const Span span = differing_paragraph(head);
  if (span.begin == std::string::npos) return "";
  const std::size_t first = span.begin + std::string(kDiffers).size();
  std::string text = head.substr(first, span.end - first);
  std::ranges::replace(text, '\n', ' ');
  const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
  return text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

std::string without_differences(const std::string& head) {
  const Span span = differing_paragraph(head);
  if (span.begin == std::string::npos) return head;
  std::string before = head.substr(0, span.begin);
  std::string after = head.substr(std::min(span.end + 1, head.size()));
  if (before.ends_with("\n\n")) before.pop_back();
  return before + after;
}

SourceTable::SourceTable(std::vector<MethodSource> methods, const std::string& shared_code) {
  KnownSources& known = known_sources();
  std::ranges::move(methods, std::back_inserter(known.methods));
  if (!shared_code.empty()) known.shared_code = shared_code;
}

const std::vector<MethodSource>& method_sources() { return known_sources().methods; }

const std::string& shared_code_hash() { return known_sources().shared_code; }

const MethodSource* source_of_file(const std::string& path) {
  const auto names = [&](const MethodSource& source) {
    if (!path.ends_with(source.file)) return false;
    return path.size() == source.file.size() || path[path.size() - source.file.size() - 1] == '/';
  };
  const std::vector<MethodSource>& sources = method_sources();
  const auto found = std::ranges::find_if(sources, names);
  return found == sources.end() ? nullptr : &*found;
}

}  // namespace cmkd
