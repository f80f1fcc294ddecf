// IDX arrays of bytes (MNIST's images and labels), plain or gzipped.
#include "fuzz.h"
#include "parts/idx.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const cmkd::fuzz::MemoryFile file({data, size});
  cmkd::fuzz::expect_answer([&] {
    const cmkd::IdxBytes idx = cmkd::read_idx(file.path());
    std::int64_t count = 1;
    for (const std::int64_t length : idx.shape) count *= length;
    if (count != static_cast<std::int64_t>(idx.values.size())) __builtin_trap();
  });
  return 0;
}
