#include "catch.h"
// Catch first: c10 and Catch2 both define CHECK.
#include <ATen/Functions.h>

#include <filesystem>
#include <fstream>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/weights/array_file.h"
#include "paths.h"

namespace {

using namespace cmkd;
namespace fs = std::filesystem;

// Written by NumPy: make.py stands beside them.
fs::path array_files() { return test::source_dir() / "tests" / "weights" / "array_files"; }

std::string array_refusal(const fs::path& path) {
  try {
    (void)read_array_file(path);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kData);
    CHECK(error.parts().where.find(path.filename().string()) != std::string::npos);
    return error.what();
  }
  return "";
}

TEST_CASE("arrays of numbers and of texts come out of a .npz by name") {
  const auto arrays = read_array_file(array_files() / "outputs.npz");
  CHECK(arrays.size() == 4);
  CHECK(arrays.at("clips").is_text());
  CHECK(arrays.at("clips").texts == std::vector<std::string>{"a/0.mp4", "ä 1", "中"});
  CHECK(arrays.at("raw").texts == std::vector<std::string>{"x", "yz"});
  const at::Tensor scores = arrays.at("scores").numbers;
  CHECK(at::equal(scores, at::tensor({0.75F, 0.25F, 0.5F, 0.5F, 0.125F, 0.875F}).view({3, 2})));
  CHECK(at::equal(arrays.at("wide").numbers, scores.to(at::kDouble).t()));
}

TEST_CASE("a .npy file is one array, of texts too") {
  const auto arrays = read_array_file(array_files() / "outputs_texts.npy");
  CHECK(arrays.at("array").texts.at(2) == "中");
}

TEST_CASE("compressed archives, arrays of objects and other files are refused with the remedy") {
  CHECK(array_refusal(array_files() / "outputs_compressed.npz").find("numpy.savez") != std::string::npos);
  CHECK(array_refusal(array_files() / "outputs_objects.npz").find("'|O'") != std::string::npos);
  CHECK(array_refusal(array_files() / "make.py").find("numpy.savez") != std::string::npos);
}

TEST_CASE("no cut and no flipped byte of an archive is read past its end") {
  const test::TemporaryFolder folder;
  const std::string whole = read_file(array_files() / "outputs.npz");
  const fs::path path = folder / "outputs.npz";
  const auto read = [&](const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
    try {
      (void)read_array_file(path);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kData);
    }
  };
  for (std::size_t size = 0; size < whole.size(); size += 7) read(whole.substr(0, size));
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 0x5A);
    read(changed);
  }
}

}  // namespace
