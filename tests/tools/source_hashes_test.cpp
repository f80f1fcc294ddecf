#include "source_hashes.h"

#include <algorithm>

#include "catch.h"
#include "cmkd/core/file.h"
#include "paths.h"

using namespace cmkd;
using namespace cmkd::tools;

namespace {

// A project of two baselines, one of which has a header and a source of its own, and of shared code.
std::map<std::string, std::string> small_project() {
  return {
      {"core/include/cmkd/core/error.h", "struct Error;"},
      {"methods/include/cmkd/methods/losses.h", "#include \"cmkd/core/error.h\"\ndouble loss();"},
      {"methods/losses.cpp", "#include \"cmkd/methods/losses.h\"\ndouble loss() { return 1; }"},
      {"baselines/plain.cpp",
       "#include \"cmkd/methods/losses.h\"\nconst MethodRegistration registration{describe_plain()};"},
      {"baselines/parted.cpp",
       "#include \"parts.h\"\n#include \"cmkd/methods/losses.h\"\nconst MethodRegistration registration{describe()};"},
      {"baselines/parts.h", "int part();"},
      {"baselines/parts_of_parted.cpp", "#include \"parts.h\"\nint part() { return 2; }"},
      {"harness/trainer.cpp", "void train();"},
      {"harness/runner.cpp", "void watch();"},
      {"apps/main.cpp", "#include \"cmkd/core/error.h\"\nint main() {}"}};
}

std::string hash_in(const SourceHashes& hashes, const std::string& file) {
  const auto found = std::ranges::find(hashes.methods, file, &MethodSource::file);
  REQUIRE(found != hashes.methods.end());
  return found->hash;
}

struct Changes {
  bool plain = false;
  bool parted = false;
  bool shared = false;
};

Changes changes_of(const std::string& file, const std::string& text) {
  const SourceHashes before = hash_sources(small_project());
  std::map<std::string, std::string> files = small_project();
  files[file] = text;
  const SourceHashes after = hash_sources(files);
  return {hash_in(before, "baselines/plain.cpp") != hash_in(after, "baselines/plain.cpp"),
          hash_in(before, "baselines/parted.cpp") != hash_in(after, "baselines/parted.cpp"),
          before.shared != after.shared};
}

}  // namespace

TEST_CASE("the comment with which a file begins is kept as it reads, and is no part of the hash") {
  CHECK(head_comment_of("// a — b\n//\n//   L = \"x\" \\ y\n#include <a>\n// later\n") ==
        "a — b\n\n  L = \"x\" \\ y\n");
  CHECK(head_comment_of("#include <a>\n// later\n").empty());
  CHECK(head_comment_of("// without an end") == "without an end\n");
  std::map<std::string, std::string> files = small_project();
  const SourceHashes before = hash_sources(files);
  files["baselines/plain.cpp"] = "// plain — \"quoted\"\n// Differs: in nothing.\n" + files["baselines/plain.cpp"];
  const SourceHashes after = hash_sources(files);
  CHECK(hash_in(before, "baselines/plain.cpp") == hash_in(after, "baselines/plain.cpp"));
  CHECK(before.shared == after.shared);
  const std::string table = source_table(after, true);
  CHECK(table.find(R"("plain — \"quoted\"\n")") != std::string::npos);
  CHECK(table.find(R"("Differs: in nothing.\n")") != std::string::npos);
}

TEST_CASE("a method's own files are those that only it uses, with the sources of its headers") {
  const SourceHashes hashes = hash_sources(small_project());
  REQUIRE(hashes.methods.size() == 2);
  CHECK(hashes.methods[0].file == "baselines/parted.cpp");
  CHECK(hashes.methods[0].files ==
        std::vector<std::string>{"baselines/parted.cpp", "baselines/parts.h", "baselines/parts_of_parted.cpp"});
  CHECK(hashes.methods[1].files == std::vector<std::string>{"baselines/plain.cpp"});
}

TEST_CASE("an edited method changes its own hash alone, edited shared code the shared hash alone") {
  const std::map<std::string, std::string> files = small_project();
  const Changes method = changes_of("baselines/plain.cpp", files.at("baselines/plain.cpp") + "int more;");
  CHECK(method.plain);
  CHECK_FALSE(method.parted);
  CHECK_FALSE(method.shared);
  const Changes part = changes_of("baselines/parts_of_parted.cpp", "#include \"parts.h\"\nint part() { return 3; }");
  CHECK_FALSE(part.plain);
  CHECK(part.parted);
  CHECK_FALSE(part.shared);
  const Changes loss =
      changes_of("methods/losses.cpp", "#include \"cmkd/methods/losses.h\"\ndouble loss() { return 25; }");
  CHECK_FALSE(loss.plain);
  CHECK_FALSE(loss.parted);
  CHECK(loss.shared);
  CHECK(changes_of("harness/trainer.cpp", "void train(int);").shared);
}

TEST_CASE("what only watches or shows is in no hash") {
  for (const char* file : {"harness/runner.cpp", "apps/main.cpp"}) {
    const Changes changes = changes_of(file, "#include \"cmkd/core/error.h\"\nint something_else;");
    CHECK_FALSE(changes.plain);
    CHECK_FALSE(changes.parted);
    CHECK_FALSE(changes.shared);
  }
}

TEST_CASE("a header that a second method begins to use is shared from then on") {
  std::map<std::string, std::string> files = small_project();
  files["baselines/plain.cpp"] = "#include \"parts.h\"\n" + files["baselines/plain.cpp"];
  const SourceHashes hashes = hash_sources(files);
  for (const MethodSource& method : hashes.methods) CHECK(method.files.size() == 1);
  CHECK(hashes.shared != hash_sources(small_project()).shared);
}

TEST_CASE("methods of one folder share all its files") {
  std::map<std::string, std::string> files = small_project();
  files["methods/family/first.cpp"] = "#include \"filter.h\"\nconst MethodRegistration registration{a()};";
  files["methods/family/second.cpp"] = "#include \"filter.h\"\nconst MethodRegistration registration{b()};";
  files["methods/family/filter.h"] = "int filter();";
  const SourceHashes hashes = hash_sources(files);
  const std::vector<std::string> own{"methods/family/filter.h", "methods/family/first.cpp",
                                     "methods/family/second.cpp"};
  for (const MethodSource& method : hashes.methods) {
    if (method.file.starts_with("methods/family/")) CHECK(method.files == own);
  }
}

TEST_CASE("comments, line breaks and indentation are no code; everything else is") {
  const std::string code = code_of("int a = 1;  // one\n\n/* more */ int b=2;\n");
  CHECK(code == code_of("int   a=1;\nint b = 2; // two"));
  CHECK(code != code_of("int a = 1; int b = 3;"));
  CHECK(code_of("a + +b") != code_of("a ++b"));
  CHECK(code_of("a - -b") != code_of("a--b"));
  CHECK(code_of("return x;") != code_of("returnx;"));
  CHECK(code_of("\"a // b\"") == "\"a // b\"");
  CHECK(code_of("\"a  b\"") != code_of("\"a b\""));
  CHECK(code_of(R"("\"//" + c)") == R"("\"//"+c)");
  CHECK(code_of("R\"x(a // \" b)x\" // c") == "R\"x(a // \" b)x\"");
  CHECK(code_of("int n = 1'000'000; // '") == "int n=1'000'000;");
  CHECK(code_of("char c = '\"'; // \"") == "char c='\"';");
  CHECK(code_of("#define A (b)\nint c;") != code_of("#define A(b)\nint c;"));
  CHECK(code_of("#define A \\\n  1\nint c;") == code_of("#define A 1\nint  c;"));
  CHECK(code_of("#include <x> // y\n  #include \"z\"\nint a;") == "#include <x>\n#include \"z\"\nint a;");
}

TEST_CASE("every method of this project has a hash, and is not part of the shared one") {
  const SourceHashes hashes = hash_tree(test::source_dir());
  CHECK(hashes.methods.size() >= 28);
  for (const MethodSource& method : hashes.methods) {
    INFO(method.file);
    CHECK(std::ranges::find(method.files, method.file) != method.files.end());
    CHECK(method.hash.size() == 32);
    for (const std::string& file : method.files) CHECK(std::filesystem::exists(test::source_dir() / file));
  }
  // The same source gives the same keys wherever it lies.
  CHECK(source_table(hashes, true) == source_table(hash_tree(test::source_dir() / "core" / ".."), true));
}
