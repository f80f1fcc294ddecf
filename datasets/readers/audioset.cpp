// The dataset AudioSet: ten-second segments of YouTube videos with any number of 527 classes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cmkd/core/error.h"
#include "cmkd/readers/media_source.h"
#include "parts/plain_text.h"
#include "parts/reader_parts.h"
#include "parts/youtube.h"

namespace cmkd {

namespace {

namespace fs = std::filesystem;

constexpr const char* kAudiosetTree =
    "annotations/class_labels_indices.csv      index,mid,display_name\n"
    "annotations/balanced_train_segments.csv   YTID,start_seconds,end_seconds,positive_labels\n"
    "annotations/unbalanced_train_segments.csv, annotations/eval_segments.csv   the same. Each with a header line, or\n"
    "                                          with three lines that begin with '#' and a space after each comma\n"
    "root/**/<id>_<start_ms>.mp4, or <id>_<start_ms>_<end_ms>.mp4, or <id>.mp4, or any other ending (.wav, .flac)";

const std::vector<std::string>& patterns() {
  static const std::vector<std::string> names = {"{id}_{start_ms}", "{id}_{start_ms}_{end_ms}", "{id}"};
  return names;
}

// Ten seconds, and the rounding of the published lists.
constexpr double kLongestSegment_s = 10.001;

struct Ontology {
  ClassNames mids;  // "/m/09x0r", in the order of their indices
  std::vector<std::string> names;
};

Ontology read_ontology(const fs::path& file) {
  const CsvTable table =
      read_csv(required_file(file, kAudiosetTree, "set annotations to the folder of AudioSet's tables"));
  const std::size_t index = table.column("index");
  const std::size_t mid = table.column("mid");
  const std::size_t name = table.column("display_name");
  Ontology ontology;
  for (const CsvRow& row : table.rows) {
    const std::string where = table.where(row);
    const auto expected = static_cast<std::int64_t>(ontology.names.size());
    if (whole_number(row.fields[index], where, "an index") != expected)
      fail_annotation("the index is " + row.fields[index], where, fmt::format("{}, in ascending order", expected));
    if (ontology.mids.find(filled_field(table, row, mid, "mid")))
      fail_annotation("class '" + row.fields[mid] + "' is listed twice", where, "each class once");
    ontology.mids.add(row.fields[mid]);
    ontology.names.push_back(filled_field(table, row, name, "display_name"));
  }
  return ontology;
}

// Either form: three comment lines and no header, or a header.
CsvTable read_segments(const fs::path& file) {
  const std::string text =
      read_plain_text(required_file(file, kAudiosetTree, "correct its name in [dataset], or leave it empty"));
  const std::string_view start = std::string_view(text).substr(text.starts_with("\xEF\xBB\xBF") ? 3 : 0);
  CsvForm form{.header = !start.starts_with('#'),
               .fields = 4,
               .row = "YTID, start_seconds, end_seconds, \"positive_labels\"",
               .spaces_after_commas = true,
               .comments = true};
  CsvTable table = parse_csv_rows(text, file, form);
  if (!form.header) table.header.fields = {"YTID", "start_seconds", "end_seconds", "positive_labels"};
  return table;
}

std::vector<std::int64_t> read_audioset_tags(const std::string& mids, const ClassNames& classes,
                                             const std::string& where) {
  std::vector<std::int64_t> tags;
  for (std::size_t at = 0; at <= mids.size();) {
    const std::size_t end = std::min(mids.find(',', at), mids.size());
    tags.push_back(classes.index(mids.substr(at, end - at), where));
    at = end + 1;
  }
  std::ranges::sort(tags);
  if (std::ranges::adjacent_find(tags) != tags.end())
    fail_annotation("a label stands twice in the row", where, "each label once");
  return tags;
}

class AudioSetSource final : public MediaSource {
 public:
  explicit AudioSetSource(Parameters parameters)
      : parameters_(std::move(parameters)), root_(required_root(parameters_, "audioset", kAudiosetTree)) {
    if (parameters_.text("balanced_list").empty() && parameters_.text("unbalanced_list").empty() &&
        parameters_.text("eval_list").empty()) {
      throw Error(ErrorKind::kUsage, {"all lists of the dataset 'audioset' are empty", "[dataset]",
                                      "balanced_list, unbalanced_list, eval_list", "name at least one file"});
    }
  }

  ClipList list() override {
    const Ontology ontology = read_ontology(annotation_folder(parameters_) / "class_labels_indices.csv");
    const SegmentFiles files(parameters_, root_, kAudiosetTree, patterns());
    ClipList list;
    list.classes = ontology.names;
    list.multi_label = true;
    ListedOnce once;
    add(list, files, ontology, "balanced_list", "train", once);
    add(list, files, ontology, "unbalanced_list", "train", once);
    add(list, files, ontology, "eval_list", "test", once);
    files.require_some(list);
    return list;
  }

 private:
  void add(ClipList& list, const SegmentFiles& files, const Ontology& ontology, const std::string& parameter,
           const std::string& split, ListedOnce& once) const {
    const std::string& file = parameters_.text(parameter);
    if (file.empty()) return;
    const CsvTable table = read_segments(annotation_folder(parameters_) / file);
    const std::size_t id = table.column("YTID");
    const std::size_t start = table.column("start_seconds");
    const std::size_t end = table.column("end_seconds");
    const std::size_t labels = table.column("positive_labels");
    for (const CsvRow& row : table.rows) {
      const std::string where = table.where(row);
      const Segment segment{youtube_id(filled_field(table, row, id, "YTID"), where),
                            decimal_seconds(row.fields[start], where, "the start in seconds"),
                            decimal_seconds(row.fields[end], where, "the end in seconds")};
      if (segment.end_s <= segment.start_s || segment.end_s - segment.start_s > kLongestSegment_s) {
        fail_annotation(fmt::format("the segment is {} to {} s", segment.start_s, segment.end_s), where,
                        "0 <= start < end <= start + 10");
      }
      Clip clip;
      clip.id = segment_name("{id}_{start_ms}", segment);
      clip.split = split;
      clip.tags = read_audioset_tags(filled_field(table, row, labels, "positive_labels"), ontology.mids, where);
      once.add(clip.id, where);
      files.add(list, std::move(clip), segment);
    }
  }

  Parameters parameters_;
  fs::path root_;
};

std::vector<ParameterSpec> audioset_parameters() {
  std::vector<ParameterSpec> specs = folder_parameters();
  specs.push_back(ParameterSpec::text("balanced_list", "balanced_train_segments.csv",
                                      "The balanced training segments, below annotations; empty: none."));
  specs.push_back(ParameterSpec::text(
      "unbalanced_list", "", "The unbalanced training segments (unbalanced_train_segments.csv); empty: none."));
  specs.push_back(
      ParameterSpec::text("eval_list", "eval_segments.csv", "The evaluation segments: the test split; empty: none."));
  const std::vector<ParameterSpec> more = SegmentFiles::parameters(patterns());
  specs.insert(specs.end(), more.begin(), more.end());
  return specs;
}

const DatasetRegistration kAudiosetRegistration({
    .id = "audioset",
    .title = "AudioSet: segments of YouTube videos with 527 classes of sound",
    .source = "Gemmeke et al., 'Audio Set: An ontology and human-labeled dataset for audio events', ICASSP 2017; "
              "Google; the lists are CC BY 4.0, the videos are their owners'",
    .tree = kAudiosetTree,
    .tested_on = "official annotation files (balanced and evaluation lists)",
    .made_here = false,
    .parameters = audioset_parameters(),
    .open = [](const Parameters& values) -> std::unique_ptr<ClipSource> {
      return std::make_unique<AudioSetSource>(values);
    },
});

}  // namespace

}  // namespace cmkd
