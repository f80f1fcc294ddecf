#include <fmt/format.h>

#include <array>

#include "cmkd/core/utf8.h"
#include "latex/latex.h"
#include "text.h"

namespace cmkd::reports {

namespace {

struct LatexSign {
  char32_t code;
  const char* text;
};
constexpr std::array<LatexSign, 27> kLatexSigns{{{'\\', "\\textbackslash{}"},
                                                 {'{', "\\{"},
                                                 {'}', "\\}"},
                                                 {'$', "\\$"},
                                                 {'&', "\\&"},
                                                 {'#', "\\#"},
                                                 {'_', "\\_"},
                                                 {'%', "\\%"},
                                                 {'^', "\\textasciicircum{}"},
                                                 {'~', "\\textasciitilde{}"},
                                                 {'<', "$<$"},
                                                 {'>', "$>$"},
                                                 {'|', "$|$"},
                                                 {'"', "{\\char34}"},
                                                 {'\'', "{\\char39}"},
                                                 {'`', "{\\char96}"},
                                                 {0x2212, "$-$"},
                                                 {0x2013, "--"},
                                                 {0x2019, "'"},
                                                 {0xB1, "$\\pm$"},
                                                 {0xB7, "$\\cdot$"},
                                                 {0xD7, "$\\times$"},
                                                 {0x2192, "$\\rightarrow$"},
                                                 {0x2193, "$\\downarrow$"},
                                                 {0x2020, "$\\dagger$"},
                                                 {0x2026, "\\ldots{}"},
                                                 {0x202F, "\\,"}}};

const char* sign_text(char32_t code) {
  for (const LatexSign& sign : kLatexSigns) {
    if (sign.code == code) return sign.text;
  }
  return nullptr;
}

// ASCII, and the Latin letters that the oldest fonts can build from an accent.
bool every_tex_has(char32_t code) {
  if (code < 0x7F) return true;
  return code >= 0xC0 && code <= 0xFF && code != 0xD0 && code != 0xDE && code != 0xF0 && code != 0xFE && code != 0xF7;
}

}  // namespace

std::string latex_escaped(std::string_view text) {
  const std::string clean = clean_text(text);
  std::string result;
  std::string foreign;
  std::string codes;
  const auto flush = [&] {
    if (!foreign.empty()) result += fmt::format("\\cmkdname{{{}}}{{{}}}", foreign, codes);
    foreign.clear();
    codes.clear();
  };
  for (std::string_view rest = clean; !rest.empty();) {
    const Utf8Character character = decode_utf8(rest);
    const std::string_view bytes = rest.substr(0, character.bytes);
    rest.remove_prefix(character.bytes);
    const char* sign = sign_text(character.code);
    if (sign == nullptr && !every_tex_has(character.code)) {
      foreign += bytes;
      codes += fmt::format("{}U+{:04X}", codes.empty() ? "" : " ", static_cast<std::uint32_t>(character.code));
      continue;
    }
    flush();
    if (sign == nullptr) {
      result += bytes;
    } else {
      result += sign;
    }
  }
  flush();
  return result;
}

}  // namespace cmkd::reports
