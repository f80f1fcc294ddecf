#include "cmkd/metrics/vector_comparison.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cmkd/core/error.h"

namespace cmkd::metrics {

namespace {

double largest_magnitude(const Array& array) {
  double largest = 0;
  for (const double value : array.values) largest = std::isfinite(value) ? std::max(largest, std::abs(value)) : largest;
  return largest;
}

// Infinity where anything but a finite difference parts them.
double difference(double computed, double wanted) {
  if (computed == wanted || (std::isnan(computed) && std::isnan(wanted))) return 0;
  const bool finite = std::isfinite(computed) && std::isfinite(wanted);
  return finite ? std::abs(computed - wanted) : std::numeric_limits<double>::infinity();
}

class Comparison {
 public:
  // `scale`: the largest magnitude that the case expects anywhere.
  explicit Comparison(double scale) : scale_(scale) {}

  void part(const std::string& name, const NamedArrays& computed, const std::map<std::string, Array>& expected) {
    if (expected.empty()) note(name + " expects nothing");
    for (const auto& [metric, value] : expected) {
      const auto found = computed.find(metric);
      if (found == computed.end()) {
        note(name + "." + metric + " is not computed");
      } else {
        compare(name + "." + metric, found->second, value);
      }
    }
    for (const auto& [metric, value] : computed) {
      if (!expected.contains(metric)) check_.not_compared.push_back(name + "." + metric);
    }
  }
  void note(const std::string& problem) {
    if (check_.problem.empty()) check_.problem = problem;
  }
  [[nodiscard]] const VectorCheck& result() const { return check_; }

 private:
  void compare(const std::string& name, const Array& computed, const Array& wanted) {
    if (computed.sizes != wanted.sizes) {
      note(fmt::format("{}: computed [{}], expected [{}]", name, fmt::join(computed.sizes, ", "),
                       fmt::join(wanted.sizes, ", ")));
      return;
    }
    check_.compared.push_back(name);
    double largest = 0;
    for (std::size_t i = 0; i < wanted.values.size(); ++i) {
      largest = std::max(largest, difference(computed.values[i], wanted.values[i]));
    }
    if (std::isinf(largest)) note(name + ": a value is not finite on one side only");
    if (largest == 0 || std::isinf(largest)) return;
    const double error = largest / std::max(largest_magnitude(wanted), 1e-6 * scale_);
    if (error <= check_.error) return;
    check_.error = error;
    check_.worst = name;
  }

  VectorCheck check_;
  double scale_;
};

// What the computation itself refuses has no place in the file but its part.
NamedArrays computed_of(const ComputePart& compute, const VectorNode& part) {
  try {
    return compute(part);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kData) throw;
    const std::string& where = error.parts().where;
    part.refuse(where.empty() ? error.parts().what : error.parts().what + " (" + where + ")", "");
  }
}

}  // namespace

Array array_of(const std::optional<double>& value) {
  return {{}, {value.value_or(std::numeric_limits<double>::quiet_NaN())}};
}

VectorCheck check_vector_file(const std::filesystem::path& file, const std::map<std::string, ComputePart>& parts) {
  const nlohmann::json document = read_vector_json(file);
  const VectorNode whole(document, file.string());
  std::map<std::string, std::map<std::string, Array>> expected;
  double scale = 0;
  for (const std::string& part : whole.names()) {
    if (!parts.contains(part)) continue;
    const VectorNode wanted = whole.at(part).at("expected");
    for (const std::string& metric : wanted.names()) {
      scale = std::max(scale, largest_magnitude(expected[part][metric] = wanted.at(metric).array()));
    }
  }
  Comparison comparison(scale);
  if (whole.names().empty()) comparison.note("the file holds no part");
  for (const std::string& part : whole.names()) {
    const auto known = parts.find(part);
    if (known == parts.end()) {
      comparison.note("nothing here computes the part '" + part + "'");
    } else {
      comparison.part(part, computed_of(known->second, whole.at(part)), expected[part]);
    }
  }
  return comparison.result();
}

}  // namespace cmkd::metrics
