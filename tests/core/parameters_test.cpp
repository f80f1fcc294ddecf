#include "catch.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/core/parameters.h"

using namespace cmkd;
using namespace std::string_literals;

namespace {

Parameters example() {
  return Parameters({
      ParameterSpec::number("temperature", 4.0, 0.1, 100.0, "Softens both distributions."),
      ParameterSpec::integer("layers", 3, 1, 8, "Number of layers."),
      ParameterSpec::boolean("normalise", true, "Unit length before the loss."),
      ParameterSpec::choice("stage", "last", {"last", "both"}, "Which features."),
      ParameterSpec::text("note", "", "Free text."),
  });
}

// The error that setting the value gives; fails the test when there is none.
ErrorParts refused(Parameters& parameters, const std::string& name, const ParameterValue& value,
                   const std::string& where = "") {
  try {
    parameters.set(name, value, where);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kUsage);
    return error.parts();
  }
  FAIL("accepted: " << name << " = " << to_text(value));
  return {};
}

}  // namespace

TEST_CASE("parameters start at their defaults") {
  const Parameters parameters = example();
  CHECK(parameters.number("temperature") == 4.0);
  CHECK(parameters.integer("layers") == 3);
  CHECK(parameters.boolean("normalise"));
  CHECK(parameters.text("stage") == "last");
  CHECK(parameters.text("note").empty());
}

TEST_CASE("a set value is read back, and only that one changes") {
  Parameters parameters = example();
  parameters.set("temperature", 2.5);
  parameters.set("stage", "both"s);
  parameters.set("normalise", false);
  CHECK(parameters.number("temperature") == 2.5);
  CHECK(parameters.text("stage") == "both");
  CHECK_FALSE(parameters.boolean("normalise"));
  CHECK(parameters.integer("layers") == 3);
}

TEST_CASE("an integer is a number too, and is stored as one") {
  Parameters parameters = example();
  parameters.set("temperature", std::int64_t{2});
  CHECK(parameters.number("temperature") == 2.0);
  CHECK(std::holds_alternative<double>(parameters.values().at("temperature")));
}

TEST_CASE("a misspelt parameter is refused with the names and a suggestion") {
  Parameters parameters = example();
  const ErrorParts parts = refused(parameters, "temprature", 2.0, "my.toml:7");
  CHECK(parts.what == "unknown parameter 'temprature'");
  CHECK(parts.where == "my.toml:7");
  CHECK(parts.allowed == "temperature, layers, normalise, stage, note");
  CHECK(parts.fix == "did you mean 'temperature'?");
}

TEST_CASE("a parameter of something that has none says so") {
  Parameters none;
  CHECK(refused(none, "temperature", 1.0).allowed == "none: it has no parameters");
}

TEST_CASE("a value of another type is refused and the old one stays") {
  Parameters parameters = example();
  CHECK(refused(parameters, "layers", 2.0).allowed == "integer in [1, 8]");
  CHECK(refused(parameters, "layers", true).what == "parameter 'layers' cannot be true");
  CHECK(refused(parameters, "temperature", "hot"s).allowed == "number in [0.1, 100]");
  CHECK(refused(parameters, "temperature", true).allowed == "number in [0.1, 100]");
  CHECK(refused(parameters, "normalise", std::int64_t{1}).allowed == "true or false");
  CHECK(refused(parameters, "note", 1.0).allowed == "text");
  CHECK(refused(parameters, "stage", "first"s).allowed == "one of: last, both");
  CHECK(parameters.values() == example().values());
}

TEST_CASE("a range includes its ends and nothing beyond them") {
  Parameters parameters = example();
  parameters.set("layers", std::int64_t{1});
  parameters.set("layers", std::int64_t{8});
  parameters.set("temperature", 0.1);
  static_cast<void>(refused(parameters, "layers", std::int64_t{0}));
  static_cast<void>(refused(parameters, "layers", std::int64_t{9}));
  static_cast<void>(refused(parameters, "temperature", std::nextafter(0.1, 0.0)));
  CHECK(parameters.integer("layers") == 8);
}

TEST_CASE("not-a-number and infinity are no numbers, even without a range") {
  Parameters parameters({ParameterSpec::number("weight", 1.0, -std::numeric_limits<double>::infinity(),
                                               std::numeric_limits<double>::infinity(), "Any.")});
  static_cast<void>(refused(parameters, "weight", std::numeric_limits<double>::quiet_NaN()));
  static_cast<void>(refused(parameters, "weight", std::numeric_limits<double>::infinity()));
  CHECK(parameters.specs().front().allowed() == "number");
}

TEST_CASE("a half-open range is written as one bound") {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  CHECK(ParameterSpec::number("a", 1, 0, kInfinity, "").allowed() == "number >= 0");
  CHECK(ParameterSpec::integer("a", 1, -kInfinity, 5, "").allowed() == "integer <= 5");
}

TEST_CASE("a declaration whose default breaks its own rule, or that comes twice, is a bug") {
  CHECK_THROWS_AS(Parameters({ParameterSpec::number("a", 2.0, 0.0, 1.0, "")}), Error);
  CHECK_THROWS_AS(Parameters({ParameterSpec::choice("a", "x", {"y"}, "")}), Error);
  CHECK_THROWS_AS(Parameters({ParameterSpec::boolean("a", true, ""), ParameterSpec::boolean("a", true, "")}), Error);
}

TEST_CASE("reading a parameter that was not declared is a bug") {
  try {
    static_cast<void>(example().number("absent"));
    FAIL("an undeclared parameter was read");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kInternal);
  }
}

TEST_CASE("the text of a number is the shortest that reads back to the same value") {
  CHECK(to_text(0.1) == "0.1");
  CHECK(to_text(1e-5) == "1e-05");
  CHECK(to_text(1.0 / 3) == "0.3333333333333333");
  for (const double value : {0.1, 1.0 / 3, 1e300, -2.5e-308, 123456789.123456789}) {
    CHECK(std::stod(to_text(value)) == value);
  }
  CHECK(to_text(std::int64_t{-7}) == "-7");
  CHECK(to_text(true) == "true");
  CHECK(to_text("both"s) == "both");
}
