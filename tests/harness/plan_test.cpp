#include "catch.h"
//
#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/harness/plan.h"
#include "paths.h"

using namespace cmkd;

namespace {

Plan plan_of(const std::string& methods) {
  const test::TemporaryFolder folder;
  write_file_atomically(
      folder / "test.toml",
      "[suite]\ntitle = \"Test\"\nseeds = 1\n[dataset]\nid = \"synthetic\"\n[teacher]\nmodality = \"audio\"\n"
      "model = \"audio_cnn\"\n[student]\nmodel = \"r2plus1d_small\"\n" +
          methods);
  return make_plan(load_suite(folder / "test.toml", {}), "source");
}

}  // namespace

TEST_CASE("a control of a method that uses both modalities at test is refused, before anything is trained") {
  CHECK(plan_of("[[methods]]\nid = \"multimodal\"\n").trainings.size() == 2);  // the teacher, and itself
  CHECK_THROWS_WITH(plan_of("[[methods]]\nid = \"multimodal\"\ncontrols = [\"shuffled-teacher\"]\n"),
                    Catch::Matchers::Contains("multimodal") && Catch::Matchers::Contains("shuffled-teacher"));
}
