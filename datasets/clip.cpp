#include "cmkd/datasets/clip.h"

#include <utility>

#include "cmkd/core/hash.h"

namespace cmkd {

void DecodedClip::add_finding(std::string kind, std::string text) {
  if (!note.empty()) note += "; ";
  note += text;
  findings.push_back({std::move(kind), std::move(text)});
}

std::string ClipSource::content_hash(const Clip& clip, const FileHash& hash_of) const {
  Hasher hasher;
  hasher.field(hash_of(clip.path));
  hasher.field(clip.audio_path.empty() ? std::string() : hash_of(clip.audio_path));
  if (!clip.feature_path.empty()) hasher.field(hash_of(clip.feature_path));
  return hasher.hex();
}

Registry<DatasetInfo>& dataset_registry() {
  static Registry<DatasetInfo> registry("dataset");
  return registry;
}

std::vector<std::string> official_folds(const std::string& dataset, const Parameters& parameters) {
  const DatasetInfo& info = dataset_registry().get(dataset);
  return info.folds ? info.folds(parameters) : std::vector<std::string>();
}

DatasetRegistration::DatasetRegistration(DatasetInfo info) {
  const std::string id = info.id;
  dataset_registry().add(id, std::move(info));
}

}  // namespace cmkd
