// Where a dataset's files are: roots of the form data/NAME, and CMKD_DATA.
#include "catch.h"
// Catch first.
#include "cmkd/readers/data_root.h"
#include "environment.h"
#include "error_text.h"
#include "paths.h"

namespace cmkd {
namespace {

namespace fs = std::filesystem;
using test::EnvironmentVariable;
using test::error_of;
using test::mentions;

Parameters with_root(const std::string& dataset, const std::string& root) {
  Parameters parameters(dataset_registry().get(dataset).parameters);
  parameters.set("root", root);
  return parameters;
}

TEST_CASE("a root of the form data/NAME is NAME in CMKD_DATA, and every other root is what it says") {
  CHECK(data_root("data/esc10") == "data/esc10");
  const EnvironmentVariable data("CMKD_DATA", "/sets");
  CHECK(data_root("data/esc10") == "/sets/esc10");
  CHECK(data_root("data/video/UCF101") == "/sets/video/UCF101");
  for (const char* root :
       {"./data/esc10", "/data/esc10", "data", "data/", "data/../esc10", "database/esc10", "esc10", ""}) {
    INFO(root);
    CHECK(data_root(root) == root);
  }
}

TEST_CASE("an empty CMKD_DATA is none") {
  const EnvironmentVariable data("CMKD_DATA", "");
  CHECK(data_root("data/esc10") == "data/esc10");
}

TEST_CASE("a root that is not there is named as it was tried, with CMKD_DATA and the page of the sets") {
  const DatasetInfo& info = dataset_registry().get("av_mnist");
  const auto error = [&](const std::string& root) {
    return error_of([&] { (void)open_dataset(info, with_root("av_mnist", root)); });
  };
  const std::string tried = (fs::current_path() / "data/nowhere").string();
  CHECK(mentions(error("data/nowhere"), {"'av_mnist'", tried.c_str(), "t10k-images-idx3-ubyte.gz",
                                         "CMKD_DATA is not set", "'nowhere'", "dataset.root", "docs/data.md"}));
  CHECK(mentions(error("/nowhere"), {"/nowhere", "set dataset.root", "data/NAME with CMKD_DATA", "docs/data.md"}));
  const EnvironmentVariable data("CMKD_DATA", "/sets");
  CHECK(mentions(error("data/nowhere"), {"/sets/nowhere", "CMKD_DATA is '/sets'", "docs/data.md"}));
}

TEST_CASE("a set that is made here is made where its root says, there or not") {
  const test::TemporaryFolder folder;
  const EnvironmentVariable data("CMKD_DATA", "/sets");
  CHECK_NOTHROW(open_dataset(dataset_registry().get("synthetic"), with_root("synthetic", (folder / "made").string())));
}

TEST_CASE("the folds of a set are known before its files are") {
  const std::vector<std::string> three{"1", "2", "3"};
  for (const char* dataset : {"ucf101", "hmdb51"}) {
    INFO(dataset);
    Parameters parameters(dataset_registry().get(dataset).parameters);
    CHECK(official_folds(dataset, parameters) == three);
    parameters.set("split", "2");
    CHECK(official_folds(dataset, parameters).empty());
  }
  CHECK(official_folds("esc50", Parameters(dataset_registry().get("esc50").parameters)).size() == 5);
  CHECK(official_folds("av_mnist", Parameters(dataset_registry().get("av_mnist").parameters)).empty());
}

}  // namespace
}  // namespace cmkd
