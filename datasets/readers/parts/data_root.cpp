#include "cmkd/readers/data_root.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "cmkd/core/error.h"

namespace cmkd {

namespace fs = std::filesystem;

namespace {

constexpr const char* kDataVariable = "CMKD_DATA";
constexpr const char* kDefaultDataFolder = "data";

std::string data_folder_given() {
  const char* given = std::getenv(kDataVariable);
  return given == nullptr ? "" : given;
}

// The NAME of "data/NAME"; empty for every other path.
fs::path name_below_default(const fs::path& root) {
  if (root.empty() || *root.begin() != kDefaultDataFolder) return {};
  const fs::path name = root.lexically_normal().lexically_relative(kDefaultDataFolder);
  return name.empty() || name == "." || *name.begin() == ".." ? fs::path() : name;
}

[[noreturn]] void refuse_missing_root(const DatasetInfo& info, const std::string& root, const fs::path& tried) {
  const std::string given = data_folder_given();
  const fs::path name = name_below_default(root);
  const std::string fix =
      name.empty() ? fmt::format(
                         "set dataset.root (--root) to the folder that holds them, or to {}/NAME with {} = the folder "
                         "of all sets",
                         kDefaultDataFolder, kDataVariable)
                   : fmt::format(
                         "{} is {}: let it name the folder that holds '{}', or set dataset.root (--root) to the "
                         "folder itself",
                         kDataVariable, given.empty() ? "not set" : fmt::format("'{}'", given), name.string());
  throw Error(ErrorKind::kData,
              {fmt::format("the folder of the dataset '{}' is not there", info.id), fs::absolute(tried).string(),
               info.tree, fix + "; docs/data.md says where its files come from"});
}

}  // namespace

fs::path data_root(const std::string& root) {
  const std::string folder = data_folder_given();
  const fs::path name = name_below_default(root);
  return folder.empty() || name.empty() ? fs::path(root) : fs::path(folder) / name;
}

std::unique_ptr<ClipSource> open_dataset(const DatasetInfo& info, Parameters parameters) {
  const bool has_root =
      std::ranges::any_of(info.parameters, [](const ParameterSpec& one) { return one.name == "root"; });
  const std::string root = has_root ? parameters.text("root") : "";
  if (!root.empty() && !info.made_here) {
    const fs::path folder = data_root(root);
    if (!fs::is_directory(folder)) refuse_missing_root(info, root, folder);
    parameters.set("root", folder.string());
  }
  return info.open(parameters);
}

}  // namespace cmkd
