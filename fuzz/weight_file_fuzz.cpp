// PyTorch's two formats (zip, pickle), safetensors and NumPy arrays: the content tells which.
#include "cmkd/weights/weight_file.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const cmkd::fuzz::MemoryFile file({data, size});
  cmkd::fuzz::expect_answer([&] { (void)cmkd::describe(cmkd::read_weight_file(file.path())); });
  cmkd::fuzz::expect_answer([&] { (void)cmkd::read_weight_file(file.path(), {"."}); });
  return 0;
}
