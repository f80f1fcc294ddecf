// Hashes of this project's own source, made at every build (main.cpp): one for each method, of what only that method
// uses, and one for the code that all trainings share. A method's hash is part of the keys of its trainings; the shared
// one is stored with them.
//
// A hash is of the code's tokens in the order of the files' paths: comments, line breaks and indentation do not count.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace cmkd::tools {

// C++ text without comments and without white space that separates no two tokens; literals as they are. Each
// preprocessor directive keeps a line of its own.
[[nodiscard]] std::string code_of(std::string_view text);

// The line comments with which a file begins, without their slashes and the space behind these; lines end with '\n'.
// "" where it begins otherwise.
[[nodiscard]] std::string head_comment_of(std::string_view text);

struct MethodSource {
  std::string file;                // where it registers: "baselines/kd.cpp"
  std::vector<std::string> files;  // its own, that one included, sorted: only this method uses them
  std::string hash;                // 32 digits
  std::string head;                // head_comment_of the registering file
};

struct SourceHashes {
  std::vector<MethodSource> methods;  // by file
  std::string shared;                 // 32 digits: the folders of kSharedFolders without the methods' own files
};

// `files`: path relative to the root of the project -> text, of every .h and .cpp of its libraries and programs.
//
// What a method reaches: the files that its registering file includes, the .cpp files that implement these headers (of
// the same name, or that include the header first, in the same folder), and so on. Its own are those that no other
// method and no program reaches. A folder methods/NAME/ holds one family: its files are the own files of each method
// that registers there.
[[nodiscard]] SourceHashes hash_sources(const std::map<std::string, std::string>& files);

// Reads the files below `root` and hashes them.
[[nodiscard]] SourceHashes hash_tree(const std::filesystem::path& root);

// The C++ source of a cmkd::SourceTable (cmkd/methods/source_code.h). Without the shared code: of methods that lie
// outside the project that they are linked with.
[[nodiscard]] std::string source_table(const SourceHashes& hashes, bool with_shared_code);

}  // namespace cmkd::tools
