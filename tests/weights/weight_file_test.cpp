#include "catch.h"
// Catch first: c10 and Catch2 both define CHECK.
#include <ATen/Functions.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/core/random.h"
#include "cmkd/weights/weight_file.h"
#include "paths.h"

namespace {

using namespace cmkd;
using nlohmann::json;
namespace fs = std::filesystem;

// Written by PyTorch and NumPy: make.py stands beside them.
fs::path files() { return test::source_dir() / "tests" / "weights" / "weight_files"; }

// Thousands of times: without the disk's confirmation.
void write_plain(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

// The error's text, or nothing when the file was read.
std::optional<std::string> refusal(const fs::path& path) {
  try {
    (void)read_weight_file(path);
    return std::nullopt;
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kData);
    CHECK(error.parts().where.find(path.filename().string()) != std::string::npos);
    return error.what();
  }
}

std::string type_name(const at::Tensor& tensor) {
  static const std::map<c10::ScalarType, std::string> names{
      {c10::kDouble, "float64"}, {c10::kFloat, "float32"}, {c10::kHalf, "float16"}, {c10::kBFloat16, "bfloat16"},
      {c10::kLong, "int64"},     {c10::kInt, "int32"},     {c10::kShort, "int16"},  {c10::kChar, "int8"},
      {c10::kByte, "uint8"},     {c10::kBool, "bool"}};
  return names.at(tensor.scalar_type());
}

void check_tensors(const TensorMap& tensors, const json& expected) {
  CHECK(tensors.size() == expected.size());
  for (const auto& [name, entry] : expected.items()) {
    INFO(name);
    REQUIRE(tensors.contains(name));
    const at::Tensor& tensor = tensors.at(name);
    CHECK(tensor.sizes().vec() == entry.at("shape").get<std::vector<std::int64_t>>());
    CHECK(type_name(tensor) == entry.at("dtype").get<std::string>());
    const at::Tensor values = tensor.to(at::kDouble).reshape({-1});
    const double sum = entry.at("sum").get<double>();
    CHECK(values.sum().item<double>() == Approx(sum).margin(1e-9));
    if (entry.contains("abs_sum")) {
      CHECK(values.abs().sum().item<double>() == Approx(entry.at("abs_sum").get<double>()));
    }
    if (!entry.contains("values")) continue;
    const auto wanted = entry.at("values").get<std::vector<double>>();
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      CHECK(values[static_cast<std::int64_t>(i)].item<double>() == wanted[i]);
    }
  }
}

void check_facts(const WeightFile& file, const json& expected) {
  if (expected.contains("entry")) CHECK(file.container == expected["entry"].get<std::string>());
  if (expected.contains("left_out")) CHECK(file.left_out == expected["left_out"].get<std::vector<std::string>>());
  for (const char* fact : {"protocol", "byte_order"}) {
    if (expected.contains(fact)) CHECK(file.metadata.at(fact) == expected[fact].get<std::string>());
  }
}

}  // namespace

TEST_CASE("files of PyTorch, NumPy and safetensors are read value by value, and refused by name of what is wrong") {
  const json all = json::parse(read_file(files() / "expected.json"));
  CHECK(all.size() >= 80);
  for (const auto& [name, expected] : all.items()) {
    INFO(name);
    if (expected.contains("tensors")) {
      const WeightFile file = read_weight_file(files() / name);
      check_tensors(file.tensors, expected.at("tensors"));
      check_facts(file, expected);
      CHECK(file.content_hash.size() == 32);
      continue;
    }
    const std::optional<std::string> message = refusal(files() / name);
    REQUIRE(message.has_value());
    INFO(*message);
    for (const json& part : expected.at("refused")) {
      CHECK(message->find(part.get<std::string>()) != std::string::npos);
    }
  }
}

TEST_CASE("the shared weight files are read as PyTorch and NumPy read them") {
  const fs::path folder = test::shared_data("weights");
  if (folder.empty()) return;
  const json all = json::parse(read_file(folder / "expected.json"));
  for (const auto& [name, expected] : all.items()) {
    INFO(name);
    if (expected.contains("tensors")) {
      check_tensors(read_weight_file(folder / name).tensors, expected.at("tensors"));
    } else {
      const auto message = refusal(folder / name);
      CHECK(message.has_value());
      UNSCOPED_INFO(message.value_or(""));
    }
  }
}

TEST_CASE("a format is told by the content, not by the name") {
  const test::TemporaryFolder folder;
  const std::pair<const char*, WeightFormat> formats[] = {{"protocol2_zip.pth", WeightFormat::kTorchZip},
                                                          {"protocol2_legacy.pth", WeightFormat::kTorchLegacy},
                                                          {"plain.safetensors", WeightFormat::kSafetensors},
                                                          {"fortran.npy", WeightFormat::kNumpy}};
  for (const auto& [name, format] : formats) {
    INFO(name);
    fs::copy_file(files() / name, folder / "weights.bin", fs::copy_options::overwrite_existing);
    CHECK(read_weight_file(folder / "weights.bin").format == format);
  }
}

TEST_CASE("the entry of a checkpoint can be named, and '.' takes everything") {
  const fs::path path = files() / "parallel.pth.tar";
  const WeightFile optimizer = read_weight_file(path, {"optimizer.state"});
  CHECK(optimizer.container == "optimizer.state");
  CHECK(optimizer.tensors.at("0.exp_avg").sizes() == at::IntArrayRef({2}));
  const WeightFile everything = read_weight_file(path, {"."});
  CHECK(everything.container.empty());
  CHECK(everything.tensors.contains("optimizer.state.0.exp_avg"));
  CHECK(everything.tensors.contains("state_dict.module.fc.bias"));
  CHECK_THROWS_WITH(read_weight_file(path, {"ema"}),
                    message_contains("no entry 'ema'") && message_contains("state_dict"));
  CHECK_THROWS_WITH(read_weight_file(files() / "fortran.npy", {"model"}), message_contains("has no entry"));
}

TEST_CASE("views of one storage share its memory, as when they were saved") {
  const WeightFile file = read_weight_file(files() / "views.pt");
  CHECK(file.tensors.at("base").data_ptr() == file.tensors.at("t").data_ptr());
  CHECK(file.tensors.at("t").stride(0) == 1);
}

TEST_CASE("a file that is cut off anywhere is refused") {
  const test::TemporaryFolder folder;
  const fs::path path = folder / "cut.bin";
  for (const std::string name : {"protocol2_zip.pth", "protocol4_zip.pth", "protocol2_legacy.pth", "views_legacy.pt",
                                 "plain.safetensors", "fortran.npy", "version2.npy"}) {
    const std::string bytes = read_file(files() / name);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      INFO(name << " cut to " << length);
      write_plain(path, bytes.substr(0, length));
      CHECK(refusal(path).has_value());
    }
  }
}

TEST_CASE("a checksum tells every damaged byte of a tensor") {
  const test::TemporaryFolder folder;
  const fs::path path = folder / "damaged.bin";
  const std::string original = read_file(files() / "protocol2_zip.pth");
  const TensorMap whole = read_weight_file(files() / "protocol2_zip.pth").tensors;
  for (std::size_t i = 0; i < original.size(); ++i) {
    std::string bytes = original;
    bytes[i] = static_cast<char>(bytes[i] ^ 0x41);
    write_plain(path, bytes);
    INFO("byte " << i);
    try {
      const TensorMap read = read_weight_file(path).tensors;
      REQUIRE(read.size() == whole.size());
      for (const auto& [name, tensor] : whole) CHECK(at::equal(read.at(name), tensor));
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kData);
    }
  }
}

TEST_CASE("a pipe is refused without waiting for its writer") {
  const test::TemporaryFolder folder;
  REQUIRE(::mkfifo((folder / "pipe.pth").c_str(), 0600) == 0);
  CHECK(refusal(folder / "pipe.pth").value_or("").find("a pipe or device") != std::string::npos);
}

TEST_CASE("a file with damaged bytes gives a value or an error, and no size is believed") {
  const test::TemporaryFolder folder;
  const fs::path path = folder / "damaged.bin";
  RandomStream random = RandomStreams("weights", "fuzz", 0).stream("damage");
  int refused = 0;
  int read = 0;
  for (const std::string name : {"protocol2_zip.pth", "no_checksums.pth", "protocol4_legacy.pth", "views.pt",
                                 "views_legacy.pt", "parallel_legacy.pth.tar", "attributes.pt", "extras_legacy.pth",
                                 "plain.safetensors", "big_f4.npy", "fortran.npy"}) {
    const std::string original = read_file(files() / name);
    for (int round = 0; round < 300; ++round) {
      std::string bytes = original;
      const int flips = 1 + static_cast<int>(random.below(3));
      for (int i = 0; i < flips; ++i) {
        bytes[random.below(bytes.size())] = static_cast<char>(round % 3 == 0 ? 0xFF : random.below(256));
      }
      INFO(name << " round " << round);
      write_plain(path, bytes);
      try {
        for (const auto& [tensor_name, tensor] : read_weight_file(path).tensors) {
          // Every element is looked at: a view beyond its storage would show under the sanitizer.
          (void)tensor.to(at::kDouble).sum().item<double>();
        }
        ++read;
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::kData);
        ++refused;
      }
    }
  }
  CHECK(refused > 500);
  CHECK(read > 100);
}

TEST_CASE(
    "other entries of a checkpoint that hold a state dict are named, in the file's order, with the one that is taken") {
  const fs::path file = test::source_dir() / "tests/apps/checkpoints/average.pth";
  const WeightFile first = read_weight_file(file);
  CHECK(first.container == "model");
  CHECK(first.other_entries == std::vector<std::string>{"model_ema"});
  CHECK(describe(first).find("from 'model' (other entries: model_ema)") != std::string::npos);
  CHECK(read_weight_file(file, {"model_ema"}).other_entries == std::vector<std::string>{"model"});
  CHECK(read_weight_file(file, {"."}).other_entries.empty());
}
