// Sets with three official train/test splits (UCF101, HMDB51): which are asked for, and one clip for its rows in all.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cmkd/core/parameters.h"
#include "cmkd/datasets/clip.h"

namespace cmkd {

// The parameter "split": "all" (the three splits are the list's folds), or one of them.
[[nodiscard]] ParameterSpec official_split_parameter();
// "all": {"1", "2", "3"}.
[[nodiscard]] std::vector<std::string> official_splits(const std::string& choice);
// The folds of the list that these parameters ask for: none where it is one split.
[[nodiscard]] std::vector<std::string> folds_of_splits(const Parameters& parameters);

// "name.avi 2": cut at the last white space; names may hold spaces. White space at either end does not count.
struct LastField {
  std::string_view name;
  std::string_view value;  // empty when the text is one word
};
[[nodiscard]] LastField split_at_last_space(std::string_view text);

// Gathers the rows of the split files by clip.
class SplitRows {
 public:
  explicit SplitRows(std::vector<std::string> splits) : splits_(std::move(splits)) {}

  // `clip.id` has the role "train" or "test" in splits[k], or none (""), by the row at `where`. Throws Error(kData)
  // naming the first row when the same split lists the clip twice.
  void add(const Clip& clip, std::size_t k, const std::string& role, const std::string& where);

  // The clips that have a part in some split, in the order of their first rows: with Clip::fold_splits when there are
  // several splits, with Clip::split when there is one.
  [[nodiscard]] std::vector<Clip> take();

 private:
  struct Row {
    Clip clip;
    std::vector<std::string> places;  // by split
  };
  std::vector<std::string> splits_;
  std::vector<Row> rows_;
  std::map<std::string, std::size_t> index_;
};

}  // namespace cmkd
