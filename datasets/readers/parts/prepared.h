// Clips that somebody prepared: pictures as one HDF5 file of JPEG frames for each clip, features of the sound as .npy
// or .pt.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "annotation.h"
#include "cmkd/core/parameters.h"
#include "cmkd/datasets/clip.h"
#include "cmkd/readers/media_source.h"

namespace cmkd {

// The parameters "root", "annotations", "video_dir", "audio_dir", "video_fps" of a set that is published so.
[[nodiscard]] std::vector<ParameterSpec> prepared_parameters();

// The parameter "annotations", or root/name. Throws Error(kUsage) when neither is given.
[[nodiscard]] std::filesystem::path annotation_file(const Parameters& parameters, const std::string& name);

// Where the forms of a clip lie. The picture is in video_dir when that is given, else below root; the sound is below
// root; the feature is in audio_dir.
class PreparedFolders {
 public:
  // Throws Error(kUsage) when neither root nor video_dir is given, Error(kData) for a folder that is not there, and
  // Error(kEnvironment) when video_dir is given and this build reads no HDF5.
  PreparedFolders(const Parameters& parameters, const std::string& dataset, const std::string& tree);

  [[nodiscard]] bool has_media() const noexcept { return tree_.has_value(); }
  [[nodiscard]] const MediaTree& media() const { return tree_.value(); }

  // Adds the clip with every form that is asked for, or sets it aside with the first that is not there. `media_file`
  // is the clip's file below root, `looked_for` the path where one would be; both only when has_media().
  void add(ClipList& list, Clip clip, const std::optional<std::filesystem::path>& media_file,
           const std::filesystem::path& looked_for) const;
  // The folder in which the clips were looked for first.
  [[nodiscard]] const std::filesystem::path& first() const noexcept;

 private:
  std::filesystem::path root_;
  std::filesystem::path video_dir_;
  std::filesystem::path audio_dir_;
  std::optional<MediaTree> tree_;
};

// Decodes clips whose path is an HDF5 file of frames; all others as media files.
class PreparedSource : public MediaSource {
 public:
  explicit PreparedSource(const Parameters& parameters);
  [[nodiscard]] media::Outcome<DecodedClip> decode(const Clip& clip, const IngestSettings& settings) const override;
  [[nodiscard]] std::string content_hash(const Clip& clip, const FileHash& hash_of) const override;

 private:
  double video_fps_;
};

}  // namespace cmkd
