// The format of checkpoints and kept weights, by the reader that resumes from them.
#include "cmkd/runtime/tensors.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const cmkd::fuzz::MemoryFile file({data, size});
  cmkd::fuzz::expect_answer([&] {
    const cmkd::SafetensorsFile content = cmkd::read_safetensors(file.path());
    (void)cmkd::fingerprint(content.tensors);
  });
  return 0;
}
