// Batches have one maker: which clips are drawn goes in, everything that a training step sees comes out. It knows no
// optimiser and no step, so that a training, a person who looks at a clip, and whatever reads ahead see the same.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cmkd/batches/window_reader.h"
#include "cmkd/core/random.h"
#include "cmkd/harness/suite_data.h"
#include "cmkd/harness/teacher_side.h"
#include "cmkd/runtime/batch.h"
#include "cmkd/suites/suite.h"

namespace cmkd {

struct BatchSourceOptions {
  std::int64_t seed = 0;
  std::string fold;             // "" in a dataset of one split
  bool of_teacher = false;      // batches of the teacher's own training instead of a student's
  bool all_labels = false;      // the student sees the label of every clip that it trains on
  bool both_inputs = false;     // batches hold both modalities of each clip
  bool teacher_beside = false;  // a teacher looks at the same pairs: its side is damaged where the suite says so
  c10::Device device = c10::kCPU;
};

// The named random streams of a cell's trainings. Neither the suite's name nor the method is in them: renaming a suite
// retrains nothing, and all methods of a cell draw the same numbers.
[[nodiscard]] RandomStreams training_streams(const Suite& suite, std::int64_t seed);

// `suite` and `data` must outlive it. It stays where it is made: the teacher's side reads its reader. After set_teacher
// it is const, and make() may be called from several threads.
class BatchSource {
 public:
  BatchSource(const Suite& suite, const SuiteData& data, const BatchSourceOptions& options);
  BatchSource(const BatchSource&) = delete;
  BatchSource& operator=(const BatchSource&) = delete;

  // From now on batches hold what the teacher says of their clips. The side's reader is teacher_reader().
  void set_teacher(std::unique_ptr<TeacherSide> side) { teacher_ = std::move(side); }
  // Null without one.
  [[nodiscard]] TeacherSide* teacher() const noexcept { return teacher_.get(); }

  // Everything of a batch for these draws, which are of clips().
  [[nodiscard]] Batch make(const std::vector<ClipDraw>& draws) const;
  // The part of it that any clip of the list has: Batch::labels and label_known, on the host.
  void fill_labels(const std::vector<ClipDraw>& draws, Batch& batch) const;
  // What `labels` has for a clip in a set of one label a clip: −1 where it is hidden.
  [[nodiscard]] std::int64_t visible_label(std::int64_t clip) const;

  // The clips whose labels the training sees, ascending positions in the clip list.
  [[nodiscard]] std::vector<std::int64_t> known_clips() const;

  [[nodiscard]] const Roles& roles() const noexcept { return roles_; }
  [[nodiscard]] const RandomStreams& streams() const noexcept { return streams_; }
  // Of the training's batches, ascending positions in the clip list.
  [[nodiscard]] const std::vector<std::int64_t>& clips() const noexcept { return clips_; }
  [[nodiscard]] const WindowReader& reader() const noexcept { return reader_; }
  // Of the teacher's side: damaged where the suite says so and a teacher is beside, else reader()'s equal.
  [[nodiscard]] const WindowReader& teacher_reader() const noexcept { return teacher_reader_; }
  // What was done to the teacher's side, by position in the clip list; null when nothing was.
  [[nodiscard]] const CorruptionPlan* corruption() const noexcept { return corruption_.get(); }

 private:
  const SuiteData& data_;
  BatchSourceOptions options_;
  Modality modality_;  // of the network that trains
  Roles roles_;
  RandomStreams streams_;
  std::vector<std::int64_t> clips_;
  std::vector<bool> visible_;  // whose labels may be seen, by position in the clip list
  WindowReader reader_;
  std::shared_ptr<const CorruptionPlan> corruption_;
  WindowReader teacher_reader_;
  std::unique_ptr<TeacherSide> teacher_;
};

}  // namespace cmkd
