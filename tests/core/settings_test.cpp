#include "cmkd/core/settings.h"

#include "catch.h"
#include "cmkd/core/error.h"

using namespace cmkd;
using namespace std::string_literals;

namespace {

enum class TestCurve { kFlat, kSteep };
constexpr auto enum_names(TestCurve) noexcept {
  return std::to_array<EnumName<TestCurve>>({{TestCurve::kFlat, "flat"}, {TestCurve::kSteep, "steep"}});
}

struct TestSettingsBase {
  double share = 0.5;
};

struct TestSettings : TestSettingsBase {
  std::int64_t epochs = 10;
  int threads = 1;
  bool keep = false;
  std::string title;
  TestCurve curve = TestCurve::kSteep;
};

const SettingTable<TestSettings>& test_table() {
  static const SettingTable<TestSettings> table{
      {"share", &TestSettings::share, 0, 1, "Share of the clips."},
      {"epochs", &TestSettings::epochs, 1, 100, "Passes.", "epochs"},
      {"threads", &TestSettings::threads, 1, 8, "Threads."},
      {"keep", &TestSettings::keep, "Keep the weights."},
      {"title", &TestSettings::title, "Shown above."},
      {"curve", &TestSettings::curve, "Of the learning rate."},
  };
  return table;
}

ErrorParts refused_setting(std::string_view name, const ParameterValue& value) {
  TestSettings settings;
  try {
    test_table().set(settings, name, value, "my.toml:7");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kUsage);
    return error.parts();
  }
  FAIL("accepted");
  return {};
}

}  // namespace

TEST_CASE("A table declares each setting with the default that the struct holds") {
  const std::vector<ParameterSpec>& specs = test_table().specs();
  REQUIRE(specs.size() == 6);
  CHECK(specs[0].type == ParameterType::kNumber);
  CHECK(specs[0].default_value == ParameterValue(0.5));
  CHECK(specs[1].default_value == ParameterValue(std::int64_t{10}));
  CHECK(specs[1].unit == "epochs");
  CHECK(specs[2].allowed() == "integer in [1, 8]");
  CHECK(specs[3].default_value == ParameterValue(false));
  CHECK(specs[4].type == ParameterType::kText);
  CHECK(specs[5].default_value == ParameterValue("steep"s));
  CHECK(specs[5].allowed() == "one of: flat, steep");
}

TEST_CASE("A field is set and read by its name, an enum by that of its value") {
  TestSettings settings;
  test_table().set(settings, "share", std::int64_t{1});  // an integer where a number is wanted
  test_table().set(settings, "epochs", std::int64_t{3});
  test_table().set(settings, "threads", std::int64_t{8});
  test_table().set(settings, "keep", true);
  test_table().set(settings, "title", "T"s);
  test_table().set(settings, "curve", "flat"s);
  CHECK(settings.share == 1.0);
  CHECK(settings.epochs == 3);
  CHECK(settings.threads == 8);
  CHECK(settings.keep);
  CHECK(settings.curve == TestCurve::kFlat);
  const ParameterValues expected{
      {"share", 1.0},  {"epochs", std::int64_t{3}}, {"threads", std::int64_t{8}}, {"keep", true},
      {"title", "T"s}, {"curve", "flat"s}};
  CHECK((test_table().values(settings) == expected));
}

TEST_CASE("A value is refused as a parameter's is: with what is allowed, and a suggestion for the name") {
  CHECK(refused_setting("epoch", std::int64_t{1}).fix == "did you mean 'epochs'?");
  CHECK(refused_setting("epochs", std::int64_t{0}).what == "parameter 'epochs' cannot be 0");
  CHECK(refused_setting("epochs", std::int64_t{0}).allowed == "integer in [1, 100]");
  CHECK(refused_setting("epochs", 1.5).where == "my.toml:7");
  CHECK(refused_setting("curve", "steap"s).allowed == "one of: flat, steep");
  CHECK(refused_setting("keep", std::int64_t{1}).allowed == "true or false");
}

TEST_CASE("A table with a name twice, or a default out of its range, is a bug") {
  using Table = SettingTable<TestSettings>;
  CHECK_THROWS_WITH((Table{{"a", &TestSettings::keep, ""}, {"a", &TestSettings::title, ""}}),
                    message_contains("bad declaration"));
  CHECK_THROWS_WITH((Table{{"a", &TestSettings::epochs, 20, 30, ""}}), message_contains("bad declaration"));
}

TEST_CASE("An enum's value is found by its name; another name is refused with a suggestion") {
  CHECK(to_string(TestCurve::kFlat) == "flat"s);
  CHECK(find_named<TestCurve>("steep") == TestCurve::kSteep);
  CHECK_FALSE(find_named<TestCurve>("").has_value());
  CHECK(parse_named<TestCurve>("flat", "curve") == TestCurve::kFlat);
  CHECK_THROWS_WITH(parse_named<TestCurve>("steap", "curve"),
                    message_contains("unknown curve 'steap'") && message_contains("did you mean 'steep'"));
}
