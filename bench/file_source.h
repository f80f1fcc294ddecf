// Media files as a dataset: one clip a file, the whole of it.
#pragma once

#include <filesystem>
#include <utility>
#include <vector>

#include "cmkd/readers/media_source.h"

namespace cmkd::bench {

class FileSource : public MediaSource {
 public:
  explicit FileSource(std::vector<std::filesystem::path> files) : files_(std::move(files)) {}

  ClipList list() override {
    ClipList list;
    list.classes = {"any"};
    for (const std::filesystem::path& file : files_) {
      Clip clip;
      clip.path = file;
      clip.id = clip.group = file.string();
      clip.label = 0;
      clip.split = "train";
      list.clips.push_back(clip);
    }
    return list;
  }

 private:
  std::vector<std::filesystem::path> files_;
};

}  // namespace cmkd::bench
