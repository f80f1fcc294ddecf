#include "cmkd/harness/build_info.h"

#include "git_revision.h"  // written by cmake/git_revision.cmake at every build

namespace cmkd {

std::string project_version() { return CMKD_VERSION; }

std::string git_revision() { return CMKD_GIT_REVISION; }

void add_build_info(std::map<std::string, std::string>& values) {
  values["cmkd"] = project_version();
  values["git_revision"] = git_revision();
  values["build_type"] = CMKD_BUILD_TYPE;
}

}  // namespace cmkd
