// Threads that read ahead, and clips held on the device, change no byte of a result.
#include "catch.h"
//
#include "trained.h"

using namespace cmkd;
using cmkd::test::Trained;
using cmkd::test::WholeSuite;

namespace {

// As a worker of each kind trains; the first makes its batches itself and reads the cache's files.
const std::vector<std::vector<std::string>> kLoadings{
    {"loading.threads=0", "loading.device_cache_mib=0"},
    {"loading.threads=1", "loading.ahead=1"},
    {"loading.threads=4", "loading.ahead=7"},
    {"loading.threads=2", "loading.device_cache_mib=64"},
};

void require_same_results(const std::string& text, const std::vector<std::string>& overrides) {
  std::vector<std::unique_ptr<Trained>> trained;
  for (const std::vector<std::string>& loading : kLoadings) {
    std::vector<std::string> all = overrides;
    all.insert(all.end(), loading.begin(), loading.end());
    trained.push_back(std::make_unique<Trained>(WholeSuite{}, text, all));
  }
  const Trained& alone = *trained.front();
  REQUIRE(alone.data->loading.threads == 0);
  REQUIRE(trained.back()->data->loading.held != nullptr);
  for (const auto& [label, record] : alone.records) {
    for (std::size_t i = 1; i < trained.size(); ++i) {
      const results::TrainingRecord& other = trained[i]->records.at(label);
      INFO(label << " with " << kLoadings[i].front() << ": " << record.reason << other.reason);
      REQUIRE(record.status == results::RunStatus::kDone);
      CHECK(trained[i]->keys.at(label) == alone.keys.at(label));
      CHECK(other.final_weights_fingerprint == record.final_weights_fingerprint);
      CHECK(other.batch_order_fingerprint == record.batch_order_fingerprint);
      CHECK(other.augmentation_fingerprint == record.augmentation_fingerprint);
      const auto& of_alone = alone.run_results.at(label).evaluations;
      const auto& of_other = trained[i]->run_results.at(label).evaluations;
      REQUIRE(of_other.size() == of_alone.size());
      for (std::size_t e = 0; e < of_alone.size(); ++e) CHECK(of_other[e].outputs.scores == of_alone[e].outputs.scores);
    }
  }
}

}  // namespace

TEST_CASE("results are the same however batches are loaded: phases, live maps, the teacher's own input") {
  require_same_results(test::tiny_suite("Tiny", {"student", "kd", "at", "ab", "mnf_csc", "c2kd"}),
                       {"training.teacher_maps_mib=0", "clip.flip=true"});
}

TEST_CASE("results are the same however batches are loaded: damaged pairs and frames stored as JPEG") {
  require_same_results(test::tiny_suite("Tiny", {"kd", "sp"}),
                       {"corruption.kind=noise", "corruption.share=0.5", "ingest.frame_storage=jpeg",
                        "ingest.audio_storage=int16", "training.teacher_maps_mib=0"});
}

TEST_CASE("results are the same however batches are loaded: both modalities at once, and a classifier on features") {
  require_same_results(test::pretraining_suite({"xkd"}), {});
}
