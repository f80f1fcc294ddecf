#include "catch.h"

#include <stdexcept>
#include <string>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/core/registry.h"

using namespace cmkd;

TEST_CASE("an error says what, where, what is allowed and how to mend it") {
  const Error error(ErrorKind::kUsage,
                    {"unknown method 'kdd'", "suites/quick.toml:12", "kd, rkd", "did you mean 'kd'?"});
  const std::string expected =
      "unknown method 'kdd'\n"
      "  where: suites/quick.toml:12\n"
      "  allowed: kd, rkd\n"
      "  fix: did you mean 'kd'?";
  CHECK(error.what() == expected);
  CHECK(error.kind() == ErrorKind::kUsage);
  CHECK(error.parts().where == "suites/quick.toml:12");
}

TEST_CASE("an error leaves out the lines that it has nothing for") {
  CHECK(Error::format({"disk full", "", "", ""}) == "disk full");
  CHECK(Error::format({"disk full", "", "", "free some space"}) == "disk full\n  fix: free some space");
}

TEST_CASE("a part of several lines stands below its name") {
  CHECK(Error::format({"no data", "data/av_mnist", "root/images\nroot/sounds", "get them"}) ==
        "no data\n"
        "  where: data/av_mnist\n"
        "  allowed:\n"
        "    root/images\n"
        "    root/sounds\n"
        "  fix: get them");
}

TEST_CASE("each kind of error has the exit status of the design") {
  CHECK(exit_status(ErrorKind::kData) == 1);
  CHECK(exit_status(ErrorKind::kEnvironment) == 1);
  CHECK(exit_status(ErrorKind::kInterrupted) == 2);
  CHECK(exit_status(ErrorKind::kInternal) == 3);
  CHECK(exit_status(ErrorKind::kUsage) == 4);
  CHECK(exit_status(ErrorKind::kNothingSelected) == 5);
}

TEST_CASE("a typo is answered with the name that was meant") {
  const std::vector<std::string> names{"student", "teacher", "kd", "rkd", "pseudo_label", "mnf_csc"};
  CHECK(closest_match("studnet", names) == "student");
  CHECK(closest_match("psuedo-label", names) == "pseudo_label");
  CHECK(closest_match("KD", names) == "kd");
  CHECK(closest_match("kdd", names) == "kd");
  CHECK(did_you_mean("mnfcsc", names) == "did you mean 'mnf_csc'?");
}

TEST_CASE("a name that is near to nothing gets no suggestion") {
  const std::vector<std::string> names{"student", "teacher", "kd"};
  CHECK(closest_match("resnet", names).empty());
  CHECK(did_you_mean("zzzzzz", names).empty());
  CHECK(did_you_mean("kd", {}).empty());
}

TEST_CASE("the nearest of several names wins, and the first of equals") {
  CHECK(closest_match("learning_rat", {"learning_date", "learning_rate"}) == "learning_rate");
  CHECK(closest_match("ab", {"ac", "ad"}) == "ac");
}

TEST_CASE("names are joined with commas") {
  CHECK(join({"a", "b", "c"}) == "a, b, c");
  CHECK(join({"a"}) == "a");
  CHECK(join({}).empty());
  CHECK(join({"a", "b"}, " | ") == "a | b");
}

TEST_CASE("a registry lists its names in order, whatever the order of registration") {
  Registry<int> registry("method");
  registry.add("rkd", 3);
  registry.add("ccl", 1);
  registry.add("kd", 2);
  CHECK(registry.names() == std::vector<std::string>{"ccl", "kd", "rkd"});
  CHECK(registry.get("kd") == 2);
  REQUIRE(registry.find("rkd") != nullptr);
  CHECK(*registry.find("rkd") == 3);
  CHECK(registry.find("absent") == nullptr);
}

TEST_CASE("an unknown name is refused with the kind, the place, the names and a suggestion") {
  Registry<int> registry("method");
  registry.add("kd", 1);
  registry.add("student", 2);
  try {
    static_cast<void>(registry.get("studnet", "my.toml:3"));
    FAIL("an unknown name was found");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kUsage);
    CHECK(error.parts().what == "unknown method 'studnet'");
    CHECK(error.parts().where == "my.toml:3");
    CHECK(error.parts().allowed == "kd, student");
    CHECK(error.parts().fix == "did you mean 'student'?");
  }
}

TEST_CASE("registering a name twice is a bug and keeps the first entry") {
  Registry<int> registry("method");
  registry.add("kd", 1);
  try {
    registry.add("kd", 2);
    FAIL("a name was registered twice");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kInternal);
  }
  CHECK(registry.get("kd") == 1);
}
