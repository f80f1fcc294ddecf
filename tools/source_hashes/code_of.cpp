#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "source_hashes.h"

namespace cmkd::tools {

namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Reads C++ text from its start to its end. The text is taken as it stands: digraphs, trigraphs and spliced lines
// outside directives are not this project's style.
class CodeReader {
 public:
  explicit CodeReader(std::string_view text) : text_(text) {}

  std::string read() {
    while (at_ < text_.size()) step();
    return std::move(code_);
  }

 private:
  [[nodiscard]] bool starts(std::string_view with) const { return text_.substr(at_).starts_with(with); }

  void step() {
    const char c = text_[at_];
    if (starts("//")) {
      skip_line_comment();
    } else if (starts("/*")) {
      const std::size_t end = text_.find("*/", at_ + 2);
      at_ = end == std::string_view::npos ? text_.size() : end + 2;
      space_ = true;
    } else if (c == '\n') {
      if (in_directive_ && !code_.empty()) code_ += '\n';
      in_directive_ = false;
      space_ = true;
      ++at_;
    } else if (in_directive_ && starts("\\\n")) {
      at_ += 2;
      space_ = true;
    } else if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      space_ = true;
      ++at_;
    } else if (c == '#' && !in_directive_ && line_is_empty()) {
      if (!code_.empty() && code_.back() != '\n') code_ += '\n';
      in_directive_ = true;
      put("#");
    } else if (is_raw_string()) {
      copy_raw_string();
    } else if (c == '"' || (c == '\'' && !digit_separator())) {
      copy_literal(c);
    } else {
      put(text_.substr(at_, 1));
    }
  }

  void skip_line_comment() {
    at_ = std::min(text_.find('\n', at_), text_.size());
    space_ = true;
  }

  // Nothing but white space since the last line break.
  [[nodiscard]] bool line_is_empty() const {
    for (std::size_t i = at_; i > 0 && text_[i - 1] != '\n'; --i) {
      if (std::isspace(static_cast<unsigned char>(text_[i - 1])) == 0) return false;
    }
    return true;
  }

  // 1'000'000: the quote stands between two characters of a number.
  [[nodiscard]] bool digit_separator() const {
    return !space_ && at_ > 0 && at_ + 1 < text_.size() && is_word(text_[at_ - 1]) && is_word(text_[at_ + 1]) &&
           !prefix_of_character();
  }

  // u'a', U'a', L'a', u8'a'
  [[nodiscard]] bool prefix_of_character() const {
    std::size_t first = at_;
    while (first > 0 && is_word(text_[first - 1])) --first;
    const std::string_view word = text_.substr(first, at_ - first);
    return word == "u" || word == "U" || word == "L" || word == "u8";
  }

  [[nodiscard]] bool is_raw_string() const {
    return starts("R\"") && (at_ == 0 || !is_word(text_[at_ - 1]) || space_ || text_[at_ - 1] == 'u' ||
                             text_[at_ - 1] == 'U' || text_[at_ - 1] == 'L' || text_[at_ - 1] == '8');
  }

  void copy_raw_string() {
    const std::size_t open = text_.find('(', at_);
    const bool named = open != std::string_view::npos;
    const std::string end = fmt::format("){}\"", named ? text_.substr(at_ + 2, open - at_ - 2) : std::string_view());
    const std::size_t close = named ? text_.find(end, open) : std::string_view::npos;
    const std::size_t length = close == std::string_view::npos ? text_.size() - at_ : close + end.size() - at_;
    put(text_.substr(at_, length));
  }

  void copy_literal(char quote) {
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote && text_[end] != '\n') end += text_[end] == '\\' ? 2 : 1;
    put(text_.substr(at_, std::min(end + 1, text_.size()) - at_));
  }

  // Between two words, and between two equal operators (a + +b), the white space means something.
  void put(std::string_view token) {
    if (space_ && !code_.empty() && code_.back() != '\n') {
      const char before = code_.back();
      const bool words = is_word(before) && is_word(token.front());
      const bool operators = before == token.front() && !is_word(before);
      // "#define A (b)" is not "#define A(b)".
      if (words || operators || in_directive_) code_ += ' ';
    }
    code_ += token;
    space_ = false;
    at_ += token.size();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool space_ = false;         // white space or a comment since the last token
  bool in_directive_ = false;  // its end is a line break
  std::string code_;
};

}  // namespace

std::string code_of(std::string_view text) { return CodeReader(text).read(); }

std::string head_comment_of(std::string_view text) {
  std::string head;
  while (text.starts_with("//")) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(2, end - 2);
    if (line.starts_with(' ')) line.remove_prefix(1);
    head.append(line).push_back('\n');
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return head;
}

}  // namespace cmkd::tools
