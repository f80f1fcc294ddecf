#include "cmkd/core/utf8.h"
#include "text.h"

namespace cmkd::reports {

std::string clean_text(std::string_view text) {
  std::string result;
  for (std::string_view rest = text; !rest.empty();) {
    const Utf8Character character = decode_utf8(rest);
    if (character.bytes == 0) {
      result += "\xEF\xBF\xBD";  // U+FFFD
    } else if (steers_text(character.code)) {
      result += ' ';
    } else {
      result += rest.substr(0, character.bytes);
    }
    rest.remove_prefix(character.bytes == 0 ? 1 : character.bytes);
  }
  return result;
}

}  // namespace cmkd::reports
