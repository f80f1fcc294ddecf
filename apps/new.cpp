// cmkd new: a baseline's file and its test, from the template that the tests of this project build and train.
#include <fmt/format.h>

#include <algorithm>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/methods/method.h"
#include "commands.h"
#include "data_files.h"

namespace cmkd::apps {

namespace po = boost::program_options;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLongestName = 64;
constexpr const char* kAllowedNames = "lower-case letters, digits and underscores, a letter first, at most 64 in all";

bool is_lower(char letter) { return letter >= 'a' && letter <= 'z'; }
bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

// The nearest id that is allowed, "" when nothing is left of the name.
std::string mended(const std::string& name) {
  std::string id;
  for (const char letter : name) {
    const char lower = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    const bool fits = is_lower(lower) || (!id.empty() && is_digit(lower));
    if (fits) {
      id += lower;
    } else if (!id.empty() && id.back() != '_') {
      id += '_';
    }
  }
  while (!id.empty() && id.back() == '_') id.pop_back();
  return id.substr(0, kLongestName);
}

void require_free_id(const std::string& name) {
  const bool spelled =
      !name.empty() && name.size() <= kLongestName && is_lower(name.front()) &&
      std::ranges::all_of(name, [](char letter) { return is_lower(letter) || is_digit(letter) || letter == '_'; });
  if (!spelled) {
    const std::string nearest = mended(name);
    throw Error(ErrorKind::kUsage, {fmt::format("'{}' cannot be the id of a baseline", name), "cmkd new baseline NAME",
                                    kAllowedNames, nearest.empty() ? "" : "cmkd new baseline " + nearest});
  }
  if (const MethodInfo* taken = method_registry().find(name)) {
    throw Error(ErrorKind::kUsage, {fmt::format("'{}' is taken: it is {} ({})", name, taken->title, taken->paper),
                                    "cmkd new baseline NAME", "an id that 'cmkd list methods' does not show",
                                    fmt::format("for a variant: cmkd new baseline {}_2", name)});
  }
}

// "cosine_margin" -> "CosineMargin"
std::string camel_case(const std::string& id) {
  std::string name;
  bool begins = true;
  for (const char letter : id) {
    if (letter != '_') name += begins && is_lower(letter) ? static_cast<char>(letter - 'a' + 'A') : letter;
    begins = letter == '_';
  }
  return name;
}

std::string filled(std::string text, const std::string& id) {
  const std::pair<std::string, std::string> fields[] = {{"@ID@", id}, {"@CLASS@", camel_case(id) + "Distillation"}};
  for (const auto& [field, value] : fields) {
    for (std::size_t at = text.find(field); at != std::string::npos; at = text.find(field, at + value.size())) {
      text.replace(at, field.size(), value);
    }
  }
  return text;
}

struct NewFile {
  fs::path path;
  std::string text;
};

std::vector<NewFile> files_of(const std::string& id, const fs::path& tree) {
  const fs::path templates = find_data(kTemplates);
  if (templates.empty()) {
    throw Error(ErrorKind::kEnvironment,
                {.what = "the template of a baseline is not here",
                 .where = data_places(kTemplates),
                 .fix = "work in a source tree of cmkd, or install cmkd with 'cmake --install'"});
  }
  return {
      {tree / "baselines" / (id + ".cpp"), filled(read_file(templates / "baseline.cpp.in"), id)},
      {tree / "tests" / "baselines" / (id + "_test.cpp"), filled(read_file(templates / "baseline_test.cpp.in"), id)}};
}

void require_source_tree(const fs::path& tree) {
  if (fs::is_directory(tree / "baselines") && fs::is_directory(tree / "tests" / "baselines")) return;
  throw Error(ErrorKind::kUsage, {fmt::format("'{}' is no source tree of cmkd", tree.string()),
                                  fs::absolute(tree).string(), "a folder with baselines/ and tests/baselines/",
                                  "go to the clone of cmkd, or name it: cmkd new baseline NAME --out CLONE"});
}

// Both files or none.
void write(const std::vector<NewFile>& files) {
  for (const NewFile& file : files) {
    if (!fs::exists(fs::symlink_status(file.path))) continue;
    throw Error(ErrorKind::kUsage, {fmt::format("'{}' exists, and nothing is overwritten", file.path.string()),
                                    fs::absolute(file.path).string(), "a name whose files are not there yet",
                                    "take another name, or move the file away"});
  }
  std::size_t written = 0;
  try {
    for (; written < files.size(); ++written) write_file_atomically(files[written].path, files[written].text);
  } catch (const Error&) {
    std::error_code ignored;
    for (std::size_t i = 0; i < written; ++i) fs::remove(files[i].path, ignored);
    throw;
  }
}

std::string next_steps(const std::string& id) {
  return fmt::format(
      "Next, as they are or with your own loss in the first and its hand-derived case in the second:\n"
      "  scripts/build release cmkd test_baselines\n"
      "  build/release/tests/test_baselines \"{0}:*\"\n"
      "  build/release/apps/cmkd describe {0}\n"
      "  cp suites/quick.toml {0}.toml\n"
      "  printf '\\n[[methods]]\\nid = \"{0}\"\\n' >> {0}.toml\n"
      "  build/release/apps/cmkd run {0}.toml --only student --only {0} --jobs 2\n"
      "  build/release/apps/cmkd report {0}.toml\n",
      id);
}

}  // namespace

int run_new(const Arguments& arguments) {
  CommandLine line(
      "cmkd new baseline NAME [options]",
      "Writes baselines/NAME.cpp, a baseline that compiles and trains as it is (cosine distance of projected "
      "embeddings:\na small real loss in place of yours), and tests/baselines/NAME_test.cpp with a "
      "hand-derived case. Nothing is\noverwritten. The page docs/adding-a-baseline.md goes on from there.",
      "cmkd new baseline cosine\ncmkd new baseline my_loss --out ~/src/cmkd-bench");
  line.positional("what", 2);
  line.add()("out", po::value<std::string>()->default_value(".")->value_name("DIR"), "the source tree to write into");
  if (!line.parse(arguments)) return 0;
  const std::vector<std::string> words = line.list("what");
  if (words.empty() || words[0] != "baseline") {
    const std::string what = words.empty() ? "missing what to make" : fmt::format("cannot make a new '{}'", words[0]);
    throw Error(ErrorKind::kUsage, {what, "cmkd new baseline NAME", "baseline",
                                    words.empty() ? "cmkd new baseline NAME" : did_you_mean(words[0], {"baseline"})});
  }
  if (words.size() < 2) {
    throw Error(ErrorKind::kUsage, {"missing the name of the baseline", "cmkd new baseline NAME", kAllowedNames,
                                    "for example: cmkd new baseline cosine"});
  }
  const std::string& id = words[1];
  require_free_id(id);
  const fs::path tree = line.get<std::string>("out");
  require_source_tree(tree);
  const std::vector<NewFile> files = files_of(id, tree);
  write(files);
  for (const NewFile& file : files) print_out(fmt::format("wrote {}\n", file.path.lexically_normal().string()));
  print_out(next_steps(id));
  return 0;
}

}  // namespace cmkd::apps
