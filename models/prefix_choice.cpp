#include "prefix_choice.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "cmkd/models/load_weights.h"

namespace cmkd::models {

namespace {

std::int64_t parts_of(const std::string& prefix) { return std::ranges::count(prefix, '.'); }

auto order_of(const RankedPrefix& ranked) {
  return std::make_tuple(-ranked.fits, -ranked.names, names_a_copy(ranked.prefix), ranked.extra,
                         parts_of(ranked.prefix), ranked.prefix.size(), ranked.prefix);
}

std::int64_t names_behind(const TensorMap& given, const std::string& prefix) {
  std::int64_t count = 0;
  for (auto item = given.lower_bound(prefix); item != given.end() && item->first.starts_with(prefix); ++item) ++count;
  return count;
}

}  // namespace

std::vector<RankedPrefix> rank_prefixes(const TensorMap& given, const TensorMap& own, const TensorFits& fits) {
  std::map<std::string, RankedPrefix> found{{"", {}}};
  for (const auto& [name, tensor] : given) {
    // Every place where a name of the model may begin: at the front, and after each dot.
    for (std::size_t first = 0; first != std::string::npos && first < name.size();) {
      const std::string rest = name.substr(first);
      if (own.contains(rest)) {
        RankedPrefix& ranked = found[name.substr(0, first)];
        ++ranked.names;
        if (fits(rest, tensor)) ++ranked.fits;
      }
      const std::size_t dot = name.find('.', first);
      first = dot == std::string::npos ? dot : dot + 1;
    }
  }
  std::vector<RankedPrefix> ranking;
  for (auto& [prefix, ranked] : found) {
    ranked.prefix = prefix;
    ranked.extra = names_behind(given, prefix) - ranked.names;
    ranking.push_back(ranked);
  }
  std::ranges::sort(ranking, {}, order_of);
  return ranking;
}

}  // namespace cmkd::models
