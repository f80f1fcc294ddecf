#include "source_hashes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <regex>
#include <set>
#include <sstream>

#include "cmkd/core/file.h"
#include "cmkd/core/hash.h"

namespace cmkd::tools {

namespace fs = std::filesystem;

namespace {

// What takes part in computing a training or an evaluation. Decoding is not among it: the fingerprint of the decoded
// clips, stored with each training, says more.
constexpr std::array kSharedFolders{"core",   "metrics", "probes",    "runtime", "weights", "datasets",
                                    "models", "methods", "baselines", "suites",  "harness"};
// Of these, what only starts, watches, plans or estimates: it can be changed without a number changing.
constexpr std::array kComputesNothing{"core/progress.cpp",
                                      "core/include/cmkd/core/progress.h",
                                      "harness/build_info.cpp",
                                      "harness/estimate.cpp",
                                      "harness/include/cmkd/harness/estimate.h",
                                      "harness/run_queue.cpp",
                                      "harness/run_queue.h",
                                      "harness/runner.cpp",
                                      "harness/worker.cpp",
                                      "harness/include/cmkd/harness/runner.h",
                                      "harness/worker_process.cpp",
                                      "harness/provenance.cpp",
                                      "harness/include/cmkd/harness/provenance.h",
                                      "harness/include/cmkd/harness/worker_process.h",
                                      "datasets/readers/parts/check.cpp",
                                      "harness/include/cmkd/harness/build_info.h"};
// Whose users are no methods: what they reach belongs to no method alone.
constexpr std::array kProgramFolders{"harness", "suites", "apps", "bench"};

std::string top_folder(const std::string& file) { return file.substr(0, file.find('/')); }

bool begins_in(const std::string& file, const auto& folders) {
  return std::ranges::find(folders, top_folder(file)) != std::end(folders);
}

// The files of a project and who includes whom.
class IncludeGraph {
 public:
  explicit IncludeGraph(const std::map<std::string, std::string>& code) : code_(code) {
    for (const auto& [file, text] : code_) includes_[file] = includes_of(file, text);
    for (const auto& [file, text] : code_) {
      if (!file.ends_with(".cpp")) continue;
      for (const std::string& header : headers_of(file)) implementations_[header].push_back(file);
    }
  }

  [[nodiscard]] std::set<std::string> reached_from(const std::string& file) const {
    std::set<std::string> reached;
    std::vector<std::string> open{file};
    while (!open.empty()) {
      const std::string next = open.back();
      open.pop_back();
      if (!reached.insert(next).second) continue;
      const std::vector<std::string>& includes = includes_.at(next);
      open.insert(open.end(), includes.begin(), includes.end());
      const auto found = implementations_.find(next);
      if (found != implementations_.end()) open.insert(open.end(), found->second.begin(), found->second.end());
    }
    return reached;
  }

 private:
  // Quoted includes that are files of the project: beside the including file, or below a folder's include/.
  [[nodiscard]] std::vector<std::string> includes_of(const std::string& file, const std::string& text) const {
    std::vector<std::string> includes;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      const std::size_t open = line.find('"');
      if (!line.starts_with("#") || line.find("include") > open || open == std::string::npos) continue;
      const std::string name = line.substr(open + 1, line.find('"', open + 1) - open - 1);
      const std::string beside = (fs::path(file).parent_path() / name).lexically_normal().generic_string();
      if (code_.contains(beside)) {
        includes.push_back(beside);
        continue;
      }
      if (!name.starts_with("cmkd/")) continue;
      const std::string rest = name.substr(5);
      const std::string below = fmt::format("{}/include/{}", top_folder(rest), name);
      if (code_.contains(below)) {
        includes.push_back(below);
      } else if (code_.contains("datasets/" + below)) {  // a room of datasets/
        includes.push_back("datasets/" + below);
      }
    }
    return includes;
  }

  // The headers that a .cpp file implements: the one that it includes first, and one of its own name.
  [[nodiscard]] std::vector<std::string> headers_of(const std::string& source) const {
    const std::string stem = fs::path(source).stem().string();
    std::vector<std::string> headers;
    const std::vector<std::string>& includes = includes_.at(source);
    for (std::size_t i = 0; i < includes.size(); ++i) {
      const bool same_folder = top_folder(includes[i]) == top_folder(source);
      if (same_folder && (i == 0 || fs::path(includes[i]).stem() == stem)) headers.push_back(includes[i]);
    }
    return headers;
  }

  const std::map<std::string, std::string>& code_;
  std::map<std::string, std::vector<std::string>> includes_;
  std::map<std::string, std::vector<std::string>> implementations_;  // of each header
};

// Methods that share their files: those of one folder below methods/; elsewhere each stands alone.
std::string family_of(const std::string& file) {
  const std::string folder = fs::path(file).parent_path().generic_string();
  return folder.starts_with("methods/") ? folder : file;
}

std::vector<std::string> registering_files(const std::map<std::string, std::string>& code) {
  static const std::regex kRegistration(R"re(\bMethodRegistration \w+[({])re");
  std::vector<std::string> files;
  for (const auto& [file, text] : code) {
    if ((file.starts_with("methods/") || file.starts_with("baselines/")) && file.ends_with(".cpp") &&
        std::regex_search(text, kRegistration)) {
      files.push_back(file);
    }
  }
  return files;
}

std::string hash_of(const std::vector<std::string>& files, const std::map<std::string, std::string>& code) {
  Hasher hasher;
  for (const std::string& file : files) hasher.field(file).field(code.at(file));
  return hasher.hex();
}

}  // namespace

SourceHashes hash_sources(const std::map<std::string, std::string>& files) {
  std::map<std::string, std::string> code;
  for (const auto& [file, text] : files) code.emplace(file, code_of(text));
  const IncludeGraph graph(code);
  const std::vector<std::string> registering = registering_files(code);
  std::set<std::string> of_programs;
  for (const auto& [file, text] : code) {
    if (begins_in(file, kProgramFolders) && file.ends_with(".cpp")) of_programs.merge(graph.reached_from(file));
  }
  std::map<std::string, std::set<std::string>> reached;  // by family
  for (const std::string& file : registering) reached[family_of(file)].merge(graph.reached_from(file));
  // Files that two families reach; and which family registers a method there is nobody else's.
  std::map<std::string, int> families;
  for (const auto& [family, all] : reached) {
    for (const std::string& file : all) ++families[file];
  }
  SourceHashes hashes;
  std::set<std::string> own_of_any;
  for (const std::string& file : registering) {
    MethodSource method{file, {}, "", head_comment_of(files.at(file))};
    for (const std::string& one : reached.at(family_of(file))) {
      const bool registers = std::ranges::find(registering, one) != registering.end();
      const bool own = registers
                           ? family_of(one) == family_of(file)
                           : families.at(one) == 1 && !of_programs.contains(one) && begins_in(one, kSharedFolders);
      if (own) method.files.push_back(one);
    }
    method.hash = hash_of(method.files, code);
    own_of_any.insert(method.files.begin(), method.files.end());
    hashes.methods.push_back(std::move(method));
  }
  std::vector<std::string> shared;
  for (const auto& [file, text] : code) {
    const bool computes = std::ranges::find(kComputesNothing, file) == std::end(kComputesNothing);
    if (begins_in(file, kSharedFolders) && computes && !own_of_any.contains(file)) shared.push_back(file);
  }
  hashes.shared = hash_of(shared, code);
  return hashes;
}

SourceHashes hash_tree(const fs::path& root) {
  std::map<std::string, std::string> files;
  std::set<std::string> folders(kSharedFolders.begin(), kSharedFolders.end());
  folders.insert(kProgramFolders.begin(), kProgramFolders.end());
  for (const std::string& folder : folders) {
    if (!fs::is_directory(root / folder)) continue;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / folder)) {
      const fs::path extension = entry.path().extension();
      if (!entry.is_regular_file() || (extension != ".h" && extension != ".cpp")) continue;
      files.emplace(entry.path().lexically_relative(root).generic_string(), read_file(entry.path()));
    }
  }
  return hash_sources(files);
}

namespace {

// A C++ literal, a line of source for each line of the text.
std::string literal(const std::string& text) {
  std::string source = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') source += '\\';
    c == '\n' ? source += "\\n\"\n        \"" : source += c;
  }
  return source + "\"";
}

}  // namespace

std::string source_table(const SourceHashes& hashes, bool with_shared_code) {
  std::string text =
      "// Written by tools/source_hashes at every build.\n"
      "#include \"cmkd/methods/source_code.h\"\n\nnamespace {\n\n"
      "const cmkd::SourceTable source_table{{\n";
  for (const MethodSource& method : hashes.methods) {
    text += fmt::format("    {{\"{}\", \"{}\", {{", method.file, method.hash);
    for (const std::string& file : method.files) text += fmt::format("\"{}\", ", file);
    text += fmt::format("}}, {}}},\n", literal(method.head));
  }
  return text + fmt::format("}}, \"{}\"}};\n\n}}  // namespace\n", with_shared_code ? hashes.shared : "");
}

}  // namespace cmkd::tools
