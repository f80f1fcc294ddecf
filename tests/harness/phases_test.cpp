// Trainings of several phases, stopped in each of them by the trainer itself and taken up again from its checkpoint.
#include "catch.h"
//
#include <algorithm>
#include <optional>

#include "cmkd/core/file.h"
#include "cmkd/harness/run_one.h"
#include "cmkd/harness/trainer.h"
#include "paths.h"
#include "tiny_suite.h"

using namespace cmkd;

namespace {

struct StoppedThere {};

// A suite whose teacher is trained, and trainings on it that stop where one says.
class PhasedSuite {
 public:
  explicit PhasedSuite(const std::vector<std::string>& methods) {
    write_file_atomically(folder_ / "tiny.toml", test::tiny_suite("Phases", methods));
    suite_ = load_suite(folder_ / "tiny.toml", {});
    data_.emplace(open_data(suite_, folder_ / "cache", 1));
    plan_ = make_plan(suite_, data_->listed.source_fingerprint);
    const auto teacher = std::ranges::find_if(plan_.trainings, &PlannedTraining::is_teacher);
    std::filesystem::create_directories(runs_.run(teacher->key));
    REQUIRE((run_one(suite_, *teacher, *data_, runs_, {}).training.status == results::RunStatus::kDone));
    teacher_ = load_teacher_outputs(runs_.teacher(teacher->key), teacher->key, c10::kCPU);
  }

  // Trains from the checkpoint, if there is one, and stops in step number `steps`; none: to the end, and gives the
  // weights and, in `all_steps`, their number.
  std::string train(const std::string& method, const std::filesystem::path& checkpoint, std::optional<int> steps,
                    std::int64_t* all_steps = nullptr) {
    TrainerOptions options;
    options.checkpoint_file = checkpoint;
    options.checkpoint_seconds = 0;
    std::int64_t done = 0;
    options.progress = [&](const TrainerProgress&) {
      if (steps && done >= *steps) throw StoppedThere{};
      ++done;
    };
    const PlannedTraining& planned = *std::ranges::find(plan_.trainings, method, &PlannedTraining::method);
    Trainer trainer(suite_, planned, *data_, &*teacher_, options);
    try {
      trainer.run();
    } catch (const StoppedThere&) {
      return "";
    }
    if (all_steps != nullptr) *all_steps = done;
    return fingerprint(trainer.weights());
  }

  [[nodiscard]] std::filesystem::path file(const std::string& name) const { return folder_ / name; }

 private:
  test::TemporaryFolder folder_;
  Suite suite_;
  std::optional<SuiteData> data_;
  Plan plan_;
  RunFolder runs_{folder_ / "out"};
  std::optional<TeacherOutputs> teacher_;
};

}  // namespace

TEST_CASE("A training of several phases, stopped in each of them and taken up again, ends with the same bytes") {
  const std::vector<std::string> methods{"ft", "mst_distill", "mfh", "mfh_random"};
  PhasedSuite suite(methods);
  for (const std::string& method : methods) {
    std::int64_t steps = 0;
    const std::string straight = suite.train(method, suite.file(method + "-straight"), std::nullopt, &steps);
    CHECK(steps >= 6);
    for (int stop = 1; stop < steps; stop += 3) {  // several in each phase, at either side of a change of phase
      INFO(method << " stopped in step " << stop << " of " << steps);
      const auto checkpoint = suite.file(method + std::to_string(stop));
      REQUIRE(suite.train(method, checkpoint, stop).empty());
      CHECK(suite.train(method, checkpoint, std::nullopt) == straight);
    }
  }
}
