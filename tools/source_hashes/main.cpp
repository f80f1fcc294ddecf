// source_hashes ROOT OUTPUT [--methods-only]: writes OUTPUT with the hashes of the sources below ROOT, only when they
// have changed. --methods-only: ROOT holds baselines/ of one's own, to be linked with this project.
#include <cstdio>
#include <exception>
#include <string_view>

#include "cmkd/core/file.h"
#include "source_hashes.h"

int main(int count, char** arguments) {
  const bool methods_only = count == 4 && std::string_view(arguments[3]) == "--methods-only";
  if (count != 3 && !methods_only) {
    std::fputs("usage: source_hashes ROOT OUTPUT [--methods-only]\n", stderr);
    return 4;
  }
  try {
    const std::string table = cmkd::tools::source_table(cmkd::tools::hash_tree(arguments[1]), !methods_only);
    const std::filesystem::path output = arguments[2];
    if (!std::filesystem::exists(output) || cmkd::read_file(output) != table) {
      cmkd::write_file_atomically(output, table);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "source_hashes: %s\n", error.what());
    return 3;
  }
  return 0;
}
