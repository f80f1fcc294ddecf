// The dataset AVE: ten-second videos in which an event is seen and heard, with the event's time.
#include <fmt/format.h>

#include <algorithm>

#include "cmkd/core/error.h"
#include "cmkd/core/random.h"
#include "cmkd/readers/media_source.h"
#include "parts/label_tally.h"
#include "parts/reader_parts.h"
#include "parts/youtube.h"

namespace cmkd {

namespace {

namespace fs = std::filesystem;

constexpr const char* kAveTree =
    "annotations/Annotations.txt   <class>&<id>&<quality>&<start>&<end>, with or without a header line\n"
    "annotations/trainSet.txt, annotations/valSet.txt, annotations/testSet.txt   the same rows: split = \"official\"\n"
    "root/**/<id>.mp4, or any other ending: the ten seconds";
constexpr const char* kAveRow = "<class>&<id>&<quality>&<start in s>&<end in s>";
constexpr std::size_t kFields = 5;
constexpr std::size_t kAveClasses = 28;
constexpr double kVideo_s = 10;

struct Event {
  std::string class_name;
  Segment segment;  // the event within the ten seconds
  std::string split;
  std::string where;

  // Videos with events of several classes are listed once for each.
  [[nodiscard]] std::string id() const { return class_name + "/" + segment.youtube_id; }
};

std::vector<std::string> split_fields(const std::string& text) {
  std::vector<std::string> fields(1);
  for (const char c : text) {
    if (c == '&') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

std::vector<Event> read_events(const fs::path& file, const std::string& split, const std::string& fix) {
  const AnnotationText text(required_file(file, kAveTree, fix));
  std::vector<Event> events;
  for (const AnnotationLine& line : text.lines) {
    const std::string where = text.where(line);
    const std::vector<std::string> fields = split_fields(line.text);
    if (fields.size() != kFields) fail_annotation(fmt::format("the row has {} fields", fields.size()), where, kAveRow);
    if (&line == &text.lines.front() && fields[1] == "VideoID") continue;
    if (std::ranges::any_of(fields, &std::string::empty)) fail_annotation("a field is empty", where, kAveRow);
    const Event event{fields[0],
                      {youtube_id(fields[1], where), decimal_seconds(fields[3], where, kAveRow),
                       decimal_seconds(fields[4], where, kAveRow)},
                      split,
                      where};
    if (event.segment.end_s < event.segment.start_s || event.segment.end_s > kVideo_s) {
      fail_annotation(fmt::format("the event is {} to {} s", event.segment.start_s, event.segment.end_s), where,
                      fmt::format("0 <= start <= end <= {}", kVideo_s));
    }
    events.push_back(event);
  }
  return events;
}

std::vector<Event> read_official(const fs::path& folder) {
  std::vector<Event> events;
  for (const auto& [file, split] :
       {std::pair{"trainSet.txt", "train"}, {"valSet.txt", "validation"}, {"testSet.txt", "test"}}) {
    for (Event& event : read_events(folder / file, split, "or set split = \"seeded\", which cuts Annotations.txt"))
      events.push_back(std::move(event));
  }
  return events;
}

// Whole videos in random order: the first for testing, the next for validation, as many events as are asked for.
void draw_splits(std::vector<Event>& events, double test_share, double validation_share, std::int64_t seed) {
  std::map<std::string, std::vector<std::size_t>> videos;
  for (std::size_t k = 0; k < events.size(); ++k) videos[events[k].segment.youtube_id].push_back(k);
  std::vector<std::string> ids;
  for (const auto& [id, rows] : videos) ids.push_back(id);
  RandomStream stream = RandomStreams("ave", "split", seed).stream("videos");
  const auto total = static_cast<double>(events.size());
  double cut = 0;
  for (const std::int64_t position : stream.permutation(static_cast<std::int64_t>(ids.size()))) {
    const std::vector<std::size_t>& rows = videos[ids[static_cast<std::size_t>(position)]];
    const bool test = cut < test_share * total;
    const bool validation = !test && cut < (test_share + validation_share) * total;
    for (const std::size_t k : rows) events[k].split = test ? "test" : validation ? "validation" : "train";
    cut += static_cast<double>(rows.size());
  }
}

class AveSource final : public MediaSource {
 public:
  explicit AveSource(Parameters parameters)
      : parameters_(std::move(parameters)), root_(required_root(parameters_, "ave", kAveTree)) {}

  ClipList list() override {
    const std::vector<Event> events = read();
    // Every class is in the official training list: another one in the other lists is a mistake.
    const bool official = parameters_.text("split") == "official";
    LabelTally labels;
    for (const Event& event : events) {
      if (!official || event.split == "train") labels.add(event.class_name, event.where);
    }
    const ClassNames classes = labels.classes(kAveClasses);
    const MediaTree files(root_, kAveTree);
    ClipList list;
    list.classes = classes.names();
    ListedOnce once;
    for (const Event& event : events) {
      once.add(event.id(), event.where);
      Clip clip;
      clip.id = event.id();
      clip.label = classes.index(event.class_name, event.where);
      clip.split = event.split;
      add(list, std::move(clip), event.segment, files);
    }
    require_some_clips(list, root_, kAveTree);
    return list;
  }

 private:
  [[nodiscard]] std::vector<Event> read() const {
    const fs::path folder = annotation_folder(parameters_);
    if (parameters_.text("split") == "official") return read_official(folder);
    std::vector<Event> events = read_events(folder / "Annotations.txt", "", "set annotations to its folder");
    draw_splits(events, parameters_.number("test_share"), parameters_.number("validation_share"),
                parameters_.integer("split_seed"));
    return events;
  }

  void add(ClipList& list, Clip clip, const Segment& event, const MediaTree& files) const {
    clip.youtube_id = event.youtube_id;
    clip.group = event.youtube_id;
    const fs::path looked_for = root_ / (event.youtube_id + ".mp4");
    const std::optional<fs::path> file = files.find_stem(event.youtube_id);
    if (parameters_.text("piece") == "event") {
      clip.start_s = event.start_s;
      clip.end_s = event.end_s;
      if (event.end_s <= event.start_s) {
        clip.path = file.value_or(looked_for);
        list.unusable.push_back(
            {std::move(clip), fmt::format("out of scope: the event is {} to {} s", event.start_s, event.end_s)});
        return;
      }
    }
    add_or_set_aside(list, std::move(clip), file, looked_for);
  }

  Parameters parameters_;
  fs::path root_;
};

std::vector<ParameterSpec> ave_parameters() {
  std::vector<ParameterSpec> specs = folder_parameters();
  specs.push_back(
      ParameterSpec::choice("split", "official", {"official", "seeded"},
                            "The three lists of its owners, or a cut of Annotations.txt by video and seed."));
  specs.push_back(ParameterSpec::number("test_share", 0.1, 0.01, 0.8, "Share of the events tested on, when seeded."));
  specs.push_back(ParameterSpec::number("validation_share", 0.1, 0, 0.15,
                                        "Share of the events on which an epoch is chosen, when seeded."));
  specs.push_back(ParameterSpec::integer("split_seed", 0, 0, 1e9, "Seed of that cut."));
  specs.push_back(ParameterSpec::choice("piece", "video", {"video", "event"},
                                        "What a clip is: the ten seconds, or the event within them."));
  return specs;
}

const DatasetRegistration kAveRegistration({
    .id = "ave",
    .title = "AVE: 28 classes of events that are seen and heard",
    .source = "Tian et al., 'Audio-Visual Event Localization in Unconstrained Videos', ECCV 2018; videos of AudioSet, "
              "which are their owners'. Some videos have events of two or three classes",
    .tree = kAveTree,
    .tested_on = "official annotation file; its three split lists: files made by the format's description",
    .made_here = false,
    .parameters = ave_parameters(),
    .open = [](const Parameters& values) -> std::unique_ptr<ClipSource> { return std::make_unique<AveSource>(values); },
});

}  // namespace

}  // namespace cmkd
