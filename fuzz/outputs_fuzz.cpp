// The bytes of per-clip outputs, as a row or a file beside the store holds them.
#include "artifacts.h"
#include "cmkd/core/error.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cmkd::fuzz::expect_answer([&] {
    const auto outputs = cmkd::results::decode_outputs(std::as_bytes(std::span(data, size)), "fuzz");
    // What was read whole is read again from what is written of it.
    const std::string again = cmkd::results::encode_outputs(outputs);
    const auto twice = cmkd::results::decode_outputs(std::as_bytes(std::span(again)), "fuzz");
    if (cmkd::results::encode_outputs(twice) != again) __builtin_trap();
  });
  return 0;
}
