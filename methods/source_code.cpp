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

}  // namespace

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
