// cmkd weights: what is in a file, how it fits, and what is refused.
#include "catch.h"
// Catch first.
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "paths.h"
#include "program.h"

namespace {

using namespace cmkd;
using nlohmann::json;

std::string weight_file(const std::string& name) {
  return (test::source_dir() / "tests" / "weights" / "weight_files" / name).string();
}

// Made as frameworks make them, by make.py beside them.
std::string checkpoint(const std::string& name) {
  return (test::source_dir() / "tests" / "apps" / "checkpoints" / name).string();
}

struct Fit {
  int status = 0;
  json report;
};
Fit fit_of(const std::string& name, const std::vector<std::string>& more = {}) {
  const test::TemporaryFolder folder;
  std::vector<std::string> arguments{"weights", checkpoint(name), "--model", "image_cnn", "--json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const auto result = test::cmkd(arguments, folder.path());
  INFO(result.err);
  REQUIRE((result.status == 0 || result.status == 1));
  return {result.status, json::parse(result.out).at("report")};
}

std::string text_of(const std::string& name, const std::vector<std::string>& more = {}) {
  const test::TemporaryFolder folder;
  std::vector<std::string> arguments{"weights", checkpoint(name), "--model", "image_cnn"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return test::cmkd(arguments, folder.path()).out;
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

// image_cnn has 20 tensors: three stages of a convolution and five of batch norm, and two of the head.
TEST_CASE("cmkd weights finds the prefix that a framework put before all names, of any depth, and says it") {
  for (const auto& [file, prefix] : {std::pair<std::string, std::string>{"compiled.pth", "_orig_mod."},
                                     {"compiled_parallel.pth", "_orig_mod.module."}}) {
    INFO(file);
    const Fit fit = fit_of(file);
    CHECK(fit.status == 0);
    CHECK(fit.report.at("prefix") == prefix);
    CHECK(fit.report.at("matched").size() == 20);
    CHECK(fit.report.at("other_prefixes").empty());
    CHECK(text_of(file).find("20 of 20 tensors fit, prefix '" + prefix + "' removed") != std::string::npos);
    CHECK(fit_of(file, {"--prefix", prefix}).status == 0);
  }
}

TEST_CASE("cmkd weights without a fitting prefix says which one would fit, and how to ask for it") {
  for (const std::string given : {"", "module"}) {
    INFO(given);
    const Fit fit = fit_of("compiled.pth", {"--prefix", given});
    CHECK(fit.status == 1);
    CHECK(fit.report.at("matched").empty());
    CHECK(fit.report.at("better_prefix") == json{{"prefix", "_orig_mod."}, {"fits", 20}});
    CHECK(text_of("compiled.pth", {"--prefix", given})
              .find("prefix '_orig_mod.', with which 20 tensors fit: --prefix auto") != std::string::npos);
  }
}

TEST_CASE("of a student and a teacher in one state dict the student is taken, and what is left over is named") {
  const Fit fit = fit_of("lightning.ckpt");
  CHECK(fit.status == 0);
  CHECK(fit.report.at("prefix") == "model.student.");
  CHECK(fit.report.at("matched").size() == 20);
  CHECK(fit.report.at("left_out").size() == 21);  // the teacher's 20, and the projector
  REQUIRE(fit.report.at("other_prefixes").size() == 1);
  CHECK(fit.report.at("other_prefixes")[0] ==
        json{{"prefix", "model.teacher."}, {"fits", 18}});                      // its head has 7 classes
  const Fit teacher = fit_of("lightning.ckpt", {"--prefix", "model.teacher"});  // the last dot is understood
  CHECK(teacher.status == 0);
  CHECK(teacher.report.at("prefix") == "model.teacher.");
}

TEST_CASE("a wrong shape behind a prefix is said with both shapes") {
  const Fit fit = fit_of("openmmlab.pth");
  CHECK(fit.status == 1);
  CHECK(fit.report.at("prefix") == "backbone.");
  CHECK(fit.report.at("left_out") == json::array({"cls_head.fc_cls.weight"}));
  CHECK(text_of("openmmlab.pth").find("stage1.0.weight is [24, 3, 3, 3] in the file, [16, 3, 3, 3] in the model") !=
        std::string::npos);
}

TEST_CASE("of several entries of a checkpoint the one that fits is taken, and the others are named") {
  const Fit both = fit_of("average.pth");
  CHECK(both.status == 0);
  CHECK(text_of("average.pth").find("from 'model' (other entries: model_ema)") != std::string::npos);
  CHECK(both.report.at("other_entries")[0].at("entry") == "model_ema");
  CHECK(both.report.at("other_entries")[0].at("fits") == 20);
  const Fit average = fit_of("only_average.pth");
  CHECK(average.status == 0);
  CHECK(text_of("only_average.pth").find("from 'model_ema'") != std::string::npos);
  CHECK(average.report.at("other_entries")[0].at("entry") == "model");
  CHECK(average.report.at("other_entries")[0].at("fits") == 0);
  CHECK(text_of("only_average.pth").find("entry 'model': 0 tensors fit (--entry model)") != std::string::npos);
  CHECK(fit_of("only_average.pth", {"--entry", "model"}).status == 1);  // what is asked for is taken
}

TEST_CASE("cmkd weights says which tensors are not finite, and that they do not do for a model") {
  const Fit fit = fit_of("diverged.pth");
  CHECK(fit.status == 1);
  CHECK(fit.report.at("complete") == false);
  CHECK(fit.report.at("not_finite") ==
        json::array({{{"name", "fc.bias"}, {"values", 10}}, {{"name", "stage1.1.running_var"}, {"values", 16}}}));
  const std::string text = text_of("diverged.pth");
  CHECK(text.find("not finite: 16 of 16 values of stage1.1.running_var") != std::string::npos);
  // A head that is not loaded does no harm.
  CHECK(fit_of("diverged.pth", {"--classifier", "skip"}).report.at("not_finite").size() == 1);
  const test::TemporaryFolder folder;
  const auto plain = test::cmkd({"weights", checkpoint("diverged.pth")}, folder.path());
  CHECK(plain.status == 0);
  CHECK(plain.out.find("10 NaN or infinite") != std::string::npos);
}
