#include "cmkd/readers/official_folds.h"

#include <map>
#include <utility>

namespace cmkd {

namespace {

using FoldsOfParameters = std::function<std::vector<std::string>(const Parameters&)>;

// Within a function: registrations of other files come before this file's own objects are made.
std::map<std::string, FoldsOfParameters>& registered_folds() {
  static std::map<std::string, FoldsOfParameters> folds;
  return folds;
}

}  // namespace

std::vector<std::string> official_folds(const std::string& dataset, const Parameters& parameters) {
  const auto found = registered_folds().find(dataset);
  return found == registered_folds().end() ? std::vector<std::string>() : found->second(parameters);
}

OfficialFoldsRegistration::OfficialFoldsRegistration(const std::string& dataset, FoldsOfParameters folds) {
  registered_folds()[dataset] = std::move(folds);
}

}  // namespace cmkd
