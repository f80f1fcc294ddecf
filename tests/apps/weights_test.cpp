// cmkd weights: what is in a file, how it fits, and what is refused.
#include "catch.h"
// Catch first.
#include <nlohmann/json.hpp>

#include "paths.h"
#include "program.h"

namespace {

using namespace cmkd;
using nlohmann::json;

std::string weight_file(const std::string& name) {
  return (test::source_dir() / "tests" / "weights" / "weight_files" / name).string();
}

}  // namespace

TEST_CASE("cmkd weights prints format, entry and every tensor, as text and as JSON") {
  const test::TemporaryFolder folder;
  const std::string file = weight_file("parallel.pth.tar");
  const auto text = test::cmkd({"weights", file}, folder.path());
  INFO(text.out << text.err);
  CHECK(text.status == 0);
  CHECK(text.out.find("PyTorch zip archive, 8 tensors") != std::string::npos);
  CHECK(text.out.find("from 'state_dict'") != std::string::npos);
  CHECK(text.out.find("module.conv.weight") != std::string::npos);
  const json value = json::parse(test::cmkd({"weights", file, "--json"}, folder.path()).out);
  CHECK(value.at("entry") == "state_dict");
  CHECK(value.at("tensors").size() == 8);
  CHECK(value.at("tensors")[6].at("name") == "module.fc.bias");
  CHECK(value.at("tensors")[6].at("dtype") == "float32");
  CHECK(value.at("tensors")[6].at("shape") == json::array({3}));
}

TEST_CASE("cmkd weights --model says how a file fits, and its exit status says whether") {
  const test::TemporaryFolder folder;
  const auto result =
      test::cmkd({"weights", weight_file("protocol2_zip.pth"), "--model", "image_cnn", "--json"}, folder.path());
  INFO(result.err);
  CHECK(result.status == 1);
  const json report = json::parse(result.out).at("report");
  CHECK(report.at("complete") == false);
  CHECK(report.at("matched") == json::array({"fc.bias"}));  // as many classes as the file's head has
  CHECK(report.at("wrong_shape")[0].at("name") == "fc.weight");
  CHECK(report.at("unexpected").size() == 6);
}

TEST_CASE("cmkd weights runs nothing that a file asks for: it names the function and the byte") {
  const test::TemporaryFolder folder;
  const auto result = test::cmkd({"weights", weight_file("os_system.pth")}, folder.path());
  CHECK(result.status == 1);
  CHECK(result.out.empty());
  CHECK(result.err.find("'os.system', which is not allowed") != std::string::npos);
  CHECK(result.err.find("os_system.pth, byte ") != std::string::npos);
}
