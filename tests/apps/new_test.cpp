// cmkd new: what it writes, what it refuses, and that what it wrote trains. (CMKD_WITH_NEW_BASELINE is cmkd with the
// baseline "made_by_new", written by `cmkd new` and compiled with this project's warnings; see tests.cmake.)
#include "catch.h"
// Catch first.
#include <nlohmann/json.hpp>
#include <sstream>

#include "cmkd/core/file.h"
#include "paths.h"
#include "program.h"

namespace {

using namespace cmkd;
using test::TemporaryFolder;
namespace fs = std::filesystem;

void make_tree(const TemporaryFolder& folder) {
  fs::create_directories(folder / "baselines");
  fs::create_directories(folder / "tests/baselines");
}

void check_refusal(const test::ProcessResult& result, const std::vector<std::string>& parts) {
  INFO(result.err);
  CHECK(result.status == 4);
  CHECK(result.out.empty());
  CHECK(result.err.find("cmkd: error: ") == 0);
  for (const std::string& part : parts) {
    INFO(part);
    CHECK(result.err.find(part) != std::string::npos);
  }
}

std::size_t files_in(const fs::path& folder) {
  std::size_t count = 0;
  for (const auto& item : fs::recursive_directory_iterator(folder)) count += item.is_regular_file() ? 1 : 0;
  return count;
}

// The lines that `cmkd new` prints as commands.
std::vector<std::string> commands_of(const std::string& output) {
  std::vector<std::string> commands;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("  ")) commands.push_back(line.substr(2));
  }
  return commands;
}

}  // namespace

TEST_CASE("cmkd new writes a baseline and its test, and the next commands are those of the page") {
  const TemporaryFolder folder;
  make_tree(folder);
  const auto made = test::cmkd({"new", "baseline", "cosine"}, folder.path());
  INFO(made.err);
  REQUIRE(made.status == 0);
  CHECK(made.out.find("wrote baselines/cosine.cpp\nwrote tests/baselines/cosine_test.cpp\n") == 0);
  const std::string source = read_file(folder / "baselines/cosine.cpp");
  CHECK(source.find("class CosineDistillation final") != std::string::npos);
  CHECK(source.find("info.id = \"cosine\"") != std::string::npos);
  for (const std::string& text : {source, read_file(folder / "tests/baselines/cosine_test.cpp")}) {
    CHECK(text.find('@') == std::string::npos);  // no field of the template is left
  }
  CHECK(files_in(folder.path()) == 2);
  const std::string page = read_file(test::source_dir() / "docs/adding-a-baseline.md");
  const std::vector<std::string> commands = commands_of(made.out);
  CHECK(commands.size() == 7);
  for (const std::string& command : commands) {
    INFO(command);
    CHECK(page.find("\n" + command + "\n") != std::string::npos);
  }
}

TEST_CASE("cmkd new writes into another source tree, and nothing that is there is overwritten") {
  const TemporaryFolder folder;
  make_tree(folder);
  const auto again = [&](const std::string& name) {
    return test::cmkd({"new", "baseline", name, "--out", folder.path().string()}, "/");
  };
  REQUIRE(again("a_2_long_name").status == 0);
  CHECK(read_file(folder / "baselines/a_2_long_name.cpp").find("class A2LongNameDistillation") != std::string::npos);
  test::write_text(folder / "baselines/a_2_long_name.cpp", "mine");
  check_refusal(again("a_2_long_name"), {"a_2_long_name.cpp' exists", "nothing is overwritten", "fix: "});
  CHECK(read_file(folder / "baselines/a_2_long_name.cpp") == "mine");
  // A test alone, here one that is a link to nowhere, is in the way, too: and then the baseline is not written either.
  fs::create_symlink("nowhere", folder / "tests/baselines/other_test.cpp");
  check_refusal(again("other"), {"other_test.cpp' exists"});
  CHECK_FALSE(fs::exists(folder / "baselines/other.cpp"));
}

TEST_CASE("a name that cannot be an id, or that is taken, is one error that says what is allowed") {
  const TemporaryFolder folder;
  make_tree(folder);
  const auto made = [&](const std::string& name) { return test::cmkd({"new", "baseline", name}, folder.path()); };
  check_refusal(made("My-Loss"), {"'My-Loss' cannot be", "allowed: lower-case", "fix: cmkd new baseline my_loss"});
  check_refusal(made("2fast"), {"'2fast' cannot be", "a letter first", "fix: cmkd new baseline fast"});
  check_refusal(made("_x"), {"'_x' cannot be", "fix: cmkd new baseline x"});
  check_refusal(made("../kd"), {"'../kd' cannot be"});
  check_refusal(made("a b"), {"'a b' cannot be", "fix: cmkd new baseline a_b"});
  check_refusal(made("ähnlich"), {"cannot be the id"});
  check_refusal(made(""), {"'' cannot be the id"});
  check_refusal(made(std::string(65, 'a')), {"at most 64"});
  check_refusal(made("kd"), {"'kd' is taken", "Knowledge Distillation", "'cmkd list methods'"});
  check_refusal(made("mnf_csc"), {"'mnf_csc' is taken"});
  check_refusal(test::cmkd({"new", "baseline"}, folder.path()), {"missing the name of the baseline"});
  check_refusal(test::cmkd({"new"}, folder.path()), {"missing what to make"});
  check_refusal(test::cmkd({"new", "basline", "x"}, folder.path()), {"'basline'", "did you mean 'baseline'?"});
  CHECK(files_in(folder.path()) == 0);
  const TemporaryFolder elsewhere;
  check_refusal(test::cmkd({"new", "baseline", "cosine"}, elsewhere.path()), {"is no source tree of cmkd", "--out"});
}

TEST_CASE("what cmkd new wrote compiles without a warning, trains, and has its row in the report") {
  const TemporaryFolder folder;
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), CMKD_WITH_NEW_BASELINE);
    const auto result = test::run_process(arguments, folder.path());
    INFO(result.err);
    REQUIRE(result.status == 0);
    return result.out;
  };
  const auto described = nlohmann::json::parse(run({"describe", "made_by_new", "--json"}));
  CHECK(described.at("verified") == "none");
  CHECK(described.at("search").size() == 2);
  test::write_text(folder / "small.toml", test::small_suite() + "[[methods]]\nid = \"made_by_new\"\n");
  run({"run", "small.toml", "--only", "student", "--only", "made_by_new", "--seed", "0"});
  const std::string csv = run({"report", "small.toml", "--format", "csv"});
  std::istringstream lines(csv);
  bool found = false;
  for (std::string line; std::getline(lines, line);) {
    found = found || (line.starts_with("small,") && line.find(",made_by_new,") != std::string::npos &&
                      line.find(",top1,0.") != std::string::npos);
  }
  INFO(csv);
  CHECK(found);
}
