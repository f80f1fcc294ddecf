// The one maker of batches, and what it shows of a clip.
#include "catch.h"
//
#include <ATen/Functions.h>

#include "cmkd/core/file.h"
#include "cmkd/harness/batch_source.h"
#include "cmkd/harness/clip_view.h"
#include "paths.h"
#include "tiny_suite.h"

using namespace cmkd;

namespace {

struct TinyData {
  explicit TinyData(const std::vector<std::string>& overrides = {}) {
    write_file_atomically(folder / "tiny.toml", test::tiny_suite("Tiny", {"student", "kd"}));
    suite = load_suite(folder / "tiny.toml", overrides);
    data.emplace(open_data(suite, folder / "cache", 1));
  }

  test::TemporaryFolder folder;
  Suite suite;
  std::optional<SuiteData> data;
};

// Outputs whose numbers tell their rows: row r has the logits r + 1000 c, its place among clips and windows is r = clip
// · windows + window.
TeacherOutputs telling_outputs(const BatchSource& source, std::int64_t windows) {
  TeacherOutputs outputs;
  outputs.clips = source.clips();
  outputs.windows = windows;
  const auto rows = static_cast<std::int64_t>(source.clips().size()) * windows;
  outputs.logits = at::arange(rows, at::kFloat).unsqueeze(1) + 1000 * at::arange(4, at::kFloat).unsqueeze(0);
  outputs.embedding = at::arange(rows, at::kFloat).unsqueeze(1).expand({rows, 8}).contiguous();
  outputs.shape.modality = Modality::kAudio;
  return outputs;
}

}  // namespace

TEST_CASE("a batch has the labels that may be seen, −1 elsewhere, and all of them for a method that sees all") {
  const TinyData tiny;
  const BatchSource few(tiny.suite, *tiny.data, {});
  BatchSourceOptions options;
  options.all_labels = true;
  const BatchSource all(tiny.suite, *tiny.data, options);
  std::vector<ClipDraw> draws;
  for (const std::int64_t clip : few.clips()) draws.push_back(few.reader().draw_window(clip, 0));
  const Batch batch = few.make(draws);
  CHECK(batch.label_known.sum().item<std::int64_t>() == 16);  // labels.labelled of the suite
  for (std::int64_t i = 0; i < batch.size(); ++i) {
    const std::int64_t label =
        tiny.data->listed.list.clips[static_cast<std::size_t>(few.clips()[static_cast<std::size_t>(i)])].label;
    CHECK(batch.labels[i].item<std::int64_t>() == (batch.label_known[i].item<bool>() ? label : -1));
    CHECK(batch.transfer_index[i].item<std::int64_t>() == i);
    CHECK(all.visible_label(few.clips()[static_cast<std::size_t>(i)]) == label);
  }
  CHECK(batch.video.sizes() == at::IntArrayRef({batch.size(), 3, 4, 16, 16}));
  CHECK_FALSE(batch.audio.defined());
  CHECK_FALSE(batch.teacher.logits.defined());
}

TEST_CASE(
    "batches have the teacher's rows of their clips; a control gives another clip's and keeps the pseudo-labels") {
  const TinyData tiny({"clip.windows=2"});
  BatchSourceOptions options;
  options.teacher_beside = true;
  BatchSource source(tiny.suite, *tiny.data, options);
  const TeacherOutputs outputs = telling_outputs(source, 2);
  const auto no_network = []() -> std::shared_ptr<Model> { throw std::logic_error("nobody asks for the network"); };
  const std::vector<ClipDraw> draws{source.reader().draw_window(source.clips()[3], 1),
                                    source.reader().draw_window(source.clips()[0], 0)};
  const auto with_control = [&](const std::string& control) {
    TeacherSideOptions side;
    side.control = control;
    source.set_teacher(
        std::make_unique<TeacherSide>(outputs, source.teacher_reader(), false, no_network, source.streams(), side));
    return source.make(draws);
  };
  const Batch plain = with_control("");
  CHECK(plain.teacher.logits[0][0].item<float>() == 7);  // 3 · 2 + 1
  CHECK(plain.teacher.logits[1][0].item<float>() == 0);
  CHECK(plain.teacher.embedding[0][0].item<float>() == 7);
  CHECK(plain.pseudo_labels[0].item<std::int64_t>() == 3);
  const Batch shuffled = with_control("shuffled-teacher");
  CHECK_FALSE(at::equal(shuffled.teacher.logits, plain.teacher.logits));
  CHECK(at::equal(shuffled.pseudo_labels, plain.pseudo_labels));
  // The other clip's same window: rows of window 1 are odd.
  CHECK(static_cast<std::int64_t>(shuffled.teacher.logits[0][0].item<float>()) % 2 == 1);
}

TEST_CASE("what is shown of a clip is what a batch has, before it is normalised") {
  const TinyData tiny({"clip.windows=3", "clip.crop=12"});
  const std::vector<SuiteCell> cells = suite_cells(tiny.suite, *tiny.data);
  REQUIRE(cells.size() == 1);
  const BatchSource& source = *cells[0].student;
  const std::int64_t clip = source.clips()[5];
  const ClipView view = view_clip(cells[0], *tiny.data, clip, {false, 2});
  const Batch batch = source.make({source.reader().draw_window(clip, 2)});
  const at::Tensor normalised = (view.clip.frames.to(at::kFloat) / 255 - 0.5) / 0.25;
  CHECK(at::allclose(batch.video[0], normalised, 1e-5, 1e-5));
  CHECK(view.clip.frames.sizes() == at::IntArrayRef({3, 4, 12, 12}));
  CHECK(view.place.frames.size() == 4);
  CHECK(view.place.first_sample == view.place.frames.front() * 1000);  // 8 frames a second at 8000 Hz
  CHECK_FALSE(view.of_teacher.has_value());
  const Batch heard = cells[0].teacher->make({source.reader().draw_window(cells[0].teacher->clips()[0], 1)});
  const ClipView other = view_clip(cells[0], *tiny.data, cells[0].teacher->clips()[0], {false, 1});
  CHECK(at::equal(heard.audio[0], other.clip.samples));
}

TEST_CASE("the spectrogram that is shown is the one that the audio model computes") {
  const TinyData tiny;
  CHECK(log_mel_of(tiny.suite, tiny.suite.student, *tiny.data) == nullptr);
  const auto shown = log_mel_of(tiny.suite, tiny.suite.teacher, *tiny.data);
  REQUIRE(shown != nullptr);
  LogMelOptions options;  // of the suite's [teacher]
  options.sample_rate = 8000;
  options.n_fft = 256;
  options.hop_length = 80;
  options.n_mels = 16;
  const at::Tensor sound = at::linspace(0, 60, 4000).sin().unsqueeze(0);
  CHECK(at::equal(shown->forward(sound), LogMel(options).forward(sound)));
}

TEST_CASE("a pair that is damaged for the teacher is shown as the teacher sees it, and whole at test") {
  const TinyData tiny({"corruption.kind=swap", "corruption.share=0.5"});
  const std::vector<SuiteCell> cells = suite_cells(tiny.suite, *tiny.data);
  const CorruptionPlan* plan = cells[0].student->corruption();
  REQUIRE(plan != nullptr);
  std::size_t damaged = 0;
  for (const std::int64_t clip : cells[0].student->clips()) {
    const CorruptionPlan::Entry& entry = plan->entries[static_cast<std::size_t>(clip)];
    const ClipView view = view_clip(cells[0], *tiny.data, clip, {});
    CHECK(view.of_teacher.has_value() == entry.corrupted);
    if (!entry.corrupted) continue;
    ++damaged;
    CHECK(at::equal(view.of_teacher->samples, view_clip(cells[0], *tiny.data, entry.source, {}).clip.samples));
    CHECK_FALSE(view.of_teacher->frames.defined());
    CHECK_FALSE(view_clip(cells[0], *tiny.data, clip, {true, 0}).of_teacher.has_value());
  }
  CHECK(damaged == (cells[0].student->clips().size() + 1) / 2);  // half, rounded
  CHECK(cells[0].teacher->corruption() == nullptr);
}

TEST_CASE("roles of a clip are named in one order, and a clip that is not used has none") {
  Roles roles;
  roles.teacher = {1, 4};
  roles.transfer = {1, 2};
  roles.labelled = {1};
  roles.test = {3};
  CHECK(roles_of(roles, 1) == std::vector<std::string>{"teacher", "transfer", "labelled"});
  CHECK(roles_of(roles, 2) == std::vector<std::string>{"transfer"});
  CHECK(roles_of(roles, 3) == std::vector<std::string>{"test"});
  CHECK(roles_of(roles, 5).empty());
}
