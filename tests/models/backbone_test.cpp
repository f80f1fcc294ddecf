#include "catch.h"
// Catch first: c10 and Catch2 both define CHECK.
#include <filesystem>

#include "cmkd/models/vector_check.h"
#include "paths.h"

using namespace cmkd;

TEST_CASE("every backbone of the vectors equals torchvision's: names, shapes, parameters, every stage, logits") {
  int files = 0;
  for (const auto& item : std::filesystem::directory_iterator(test::vectors_dir() / "backbones")) {
    INFO(item.path().filename().string());
    const VectorCheck check = check_backbone_vector(item.path());
    INFO("worst: " << check.worst);
    CHECK(check.problem == "");
    CHECK(check.error <= 1e-9);
    ++files;
  }
  CHECK(files >= 5);
}

TEST_CASE("log-mel equals librosa's within 1e-9: filter bank, power and logarithm") {
  int files = 0;
  for (const auto& item : std::filesystem::directory_iterator(test::vectors_dir() / "log_mel")) {
    INFO(item.path().filename().string());
    const VectorCheck check = check_log_mel_vector(item.path());
    INFO("worst: " << check.worst);
    CHECK(check.problem == "");
    CHECK(check.error <= 1e-9);
    ++files;
  }
  CHECK(files >= 2);
}
