#include "versions.h"

#include "cmkd/harness/build_info.h"
#include "cmkd/media/media.h"
#include "cmkd/results/store.h"
#include "cmkd/runtime/determinism.h"

namespace cmkd::apps {

std::map<std::string, std::string> versions() {
  std::map<std::string, std::string> values = describe_runtime(c10::kCPU);
  values.erase("threads");
  values.erase("device");
  values.erase("deterministic");
  add_build_info(values);
  values["sqlite"] = results::sqlite_version();
  values["ffmpeg"] = media::ffmpeg_versions();
  return values;
}

}  // namespace cmkd::apps
