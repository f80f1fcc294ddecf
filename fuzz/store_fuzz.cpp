// A store that came from elsewhere: the database's bytes, and everything that a report asks of it.
#include "cmkd/results/store.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const cmkd::fuzz::MemoryFolder folder;
  folder.write("results.db", {data, size});
  cmkd::fuzz::expect_answer([&] {
    const auto store = cmkd::results::Store::open(folder.path() / "results.db", cmkd::results::OpenMode::kReadOnly);
    for (const auto& suite : store.suites()) (void)store.leaderboard_rows(suite.suite);
    (void)store.datasets();
    for (const auto& training : store.trainings()) {
      (void)store.training(training.key);
      for (const auto& evaluation : store.evaluations(training.key)) {
        cmkd::fuzz::expect_answer([&] { (void)store.outputs(evaluation.key); });
      }
    }
    (void)store.check();
  });
  return 0;
}
