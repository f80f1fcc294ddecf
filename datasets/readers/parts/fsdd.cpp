#include "fsdd.h"

#include <algorithm>

#include "cmkd/core/error.h"

namespace cmkd {

namespace {

namespace fs = std::filesystem;

constexpr int kOfficialTestIndices = 5;

}  // namespace

Fsdd find_utterances(const fs::path& folder) {
  if (!fs::is_directory(folder)) {
    throw Error(ErrorKind::kData,
                {"the spoken digits are not there", folder.string(), "root/fsdd/{digit}_{speaker}_{index}.wav",
                 "set root to the folder that holds 'fsdd'"});
  }
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".wav") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  Fsdd fsdd;
  for (const fs::path& path : paths) {
    const std::string name = path.stem().string();
    const std::size_t first = name.find('_');
    const std::size_t last = name.rfind('_');
    const bool well_formed = first == 1 && last > first + 1 && last + 1 < name.size() && name[0] >= '0' &&
                             name[0] <= '9' && last + 4 > name.size() &&
                             name.find_first_not_of("0123456789", last + 1) == std::string::npos;
    if (!well_formed) {
      throw Error(ErrorKind::kData, {.what = "the file's name is not that of a spoken digit",
                                     .where = path.string(),
                                     .allowed = "{digit}_{speaker}_{index}.wav"});
    }
    const bool test = std::stoi(name.substr(last + 1)) < kOfficialTestIndices;
    const auto digit = static_cast<std::size_t>(name[0] - '0');
    (test ? fsdd.test : fsdd.train)[digit].push_back({path, name, name.substr(first + 1, last - first - 1)});
  }
  return fsdd;
}

}  // namespace cmkd
