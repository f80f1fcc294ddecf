// Resuming in a process that has never seen the training: what a checkpoint holds is all there is.
#include "catch.h"
//
#include <cstdlib>
#include <filesystem>

#include "paths.h"
#include "process.h"
#include "tiny.h"

using namespace cmkd;

namespace {

constexpr const char* kFolder = "CMKD_TEST_RESUME_FOLDER";

std::filesystem::path file_of(const std::filesystem::path& folder, const std::string& id, const char* what) {
  return folder / (id + "-" + what + ".safetensors");
}

}  // namespace

// The other process: hidden, run by the test below.
TEST_CASE("Three steps more, of every method, from the files of another process", "[.][resume]") {
  const char* folder = std::getenv(kFolder);
  REQUIRE(folder != nullptr);
  for (const std::string& id : method_registry().names()) {
    const MethodInfo& info = method_registry().get(id);
    const auto training = test::make_tiny(info);
    test::restore(*training, read_safetensors(file_of(folder, id, "three")).tensors);
    for (std::int64_t step = 3; step < 6; ++step) test::train_step(*training, info, step);
    write_safetensors(file_of(folder, id, "six"), {test::checkpoint_of(*training), {}});
  }
}

TEST_CASE("Three steps, saved, and three more in a new process, end as six steps straight") {
  const test::TemporaryFolder folder;
  for (const std::string& id : method_registry().names()) {
    const MethodInfo& info = method_registry().get(id);
    const auto training = test::make_tiny(info);
    for (std::int64_t step = 0; step < 3; ++step) test::train_step(*training, info, step);
    write_safetensors(file_of(folder.path(), id, "three"), {test::checkpoint_of(*training), {}});
  }
  const std::string program = std::filesystem::canonical("/proc/self/exe").string();
  const std::string setting = std::string(kFolder) + "=" + folder.path().string();
  const test::ProcessResult result = test::run_process({"/usr/bin/env", setting, program, "[resume]"}, folder.path());
  INFO(result.out << result.err);
  REQUIRE(result.status == 0);
  for (const std::string& id : method_registry().names()) {
    INFO(id);
    const MethodInfo& info = method_registry().get(id);
    const auto straight = test::make_tiny(info);
    for (std::int64_t step = 0; step < 6; ++step) test::train_step(*straight, info, step);
    CHECK(fingerprint(read_safetensors(file_of(folder.path(), id, "six")).tensors) ==
          fingerprint(test::checkpoint_of(*straight)));
  }
}
