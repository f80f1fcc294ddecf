#include "cmkd/runtime/batch.h"

#include "cmkd/core/error.h"

namespace cmkd {

const char* to_string(Modality modality) noexcept { return modality == Modality::kVideo ? "video" : "audio"; }

Modality opposite(Modality modality) noexcept {
  return modality == Modality::kVideo ? Modality::kAudio : Modality::kVideo;
}

Modality parse_modality(std::string_view text, const std::string& where) {
  if (text == "video") return Modality::kVideo;
  if (text == "audio") return Modality::kAudio;
  throw Error(ErrorKind::kUsage,
              {.what = "unknown modality '" + std::string(text) + "'", .where = where, .allowed = "video, audio"});
}

}  // namespace cmkd
