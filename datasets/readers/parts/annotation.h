// What the readers of published annotation files share: lines with their numbers, class names, media files by name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cmkd/datasets/clip.h"

namespace cmkd {

struct AnnotationLine {
  std::int64_t number = 0;  // from 1
  std::string text;         // without its line end
};

// A text file's lines; LF or CRLF, a byte order mark is skipped, and so are empty lines. Throws Error(kData) when the
// file cannot be read, is empty, or is no plain text.
struct AnnotationText {
  explicit AnnotationText(const std::filesystem::path& file);

  // "trainlist01.txt:12", with the folder.
  [[nodiscard]] std::string where(const AnnotationLine& line) const;

  std::filesystem::path path;
  std::vector<AnnotationLine> lines;
};

// Throws Error(kData): `what` is wrong in a place of an annotation file, which should read `form`.
[[noreturn]] void fail_annotation(const std::string& what, const std::string& where, const std::string& form);

// ASCII letters only.
[[nodiscard]] std::string lower_case(std::string text);

// Whether the text begins or ends with a space, a tab, or the no-break space that spreadsheets leave.
[[nodiscard]] bool has_outer_space(std::string_view text);

// A whole number or a finite decimal that fills the text; throws as fail_annotation does.
[[nodiscard]] std::int64_t whole_number(std::string_view text, const std::string& where, const std::string& form);
[[nodiscard]] double decimal_number(std::string_view text, const std::string& where, const std::string& form);

// The longest time that is taken for one within a video: clips' names hold six digits of seconds.
inline constexpr std::int64_t kLongestTime_s = 999'999;
// A time within a video, from 0 to kLongestTime_s, likewise.
[[nodiscard]] std::int64_t whole_seconds(std::string_view text, const std::string& where, const std::string& form);
[[nodiscard]] double decimal_seconds(std::string_view text, const std::string& where, const std::string& form);

// Class names in the order of their indices.
class ClassNames {
 public:
  ClassNames() = default;
  explicit ClassNames(const std::vector<std::string>& names);  // throws Error(kData) for a name that stands twice

  // The index of the name; a new one is added at the end.
  std::int64_t add(const std::string& name);
  // Throws Error(kData) with a suggestion for a name that is not there.
  [[nodiscard]] std::int64_t index(const std::string& name, const std::string& where) const;
  [[nodiscard]] std::optional<std::int64_t> find(const std::string& name) const;
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::int64_t> index_;
};

// The media files below a folder, each folder read once: by their path below it, and by name, without their ending
// (sets are published as .avi, .mp4, .mkv or .webm, and re-encoded by their users). Endings of pictures, sound and
// video are told apart by the name only; what is in the file says the decoder.
class MediaTree {
 public:
  // Throws Error(kData) when `root` is no folder, naming what it should hold (`tree`).
  MediaTree(const std::filesystem::path& root, const std::string& tree);

  // root/path with its own or any other ending, letters of either case ("HandStandPushups" is in a folder
  // "HandstandPushups"). The exact spelling first; of several candidates, the first by name.
  [[nodiscard]] std::optional<std::filesystem::path> find(const std::filesystem::path& path) const;
  // Anywhere below root by the file's name without its ending, exactly so spelled; of several, the first by path. What
  // downloaders leave beside a clip under its name (a preview, subtitles, an unfinished part) is none.
  [[nodiscard]] std::optional<std::filesystem::path> find_stem(const std::string& stem) const;
  [[nodiscard]] const std::filesystem::path& root() const noexcept { return root_; }
  [[nodiscard]] std::size_t size() const noexcept { return by_path_.size(); }

 private:
  std::filesystem::path root_;
  std::multimap<std::string, std::filesystem::path> by_path_;  // lower-case path below root, without its ending
  std::multimap<std::string, std::filesystem::path> by_stem_;
};

// Adds a clip whose file is there, or sets it aside with the reason "not found: WHERE IT WAS LOOKED FOR".
void add_or_set_aside(ClipList& list, Clip clip, const std::optional<std::filesystem::path>& file,
                      const std::filesystem::path& looked_for);

// Throws Error(kData) when no listed clip is there (the root is then wrong), naming what was looked for.
void require_some_clips(const ClipList& list, const std::filesystem::path& root, const std::string& tree);

}  // namespace cmkd
