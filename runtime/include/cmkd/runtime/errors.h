// LibTorch's exceptions in a form that fits a row and a line.
#pragma once

#include <exception>
#include <string>

namespace c10 {
class Error;
}

namespace cmkd {

// The message without the stack that `c10::Error::what()` carries; its first line.
[[nodiscard]] std::string short_message(const c10::Error& error);
// The same for any exception.
[[nodiscard]] std::string short_message(const std::exception& error);

}  // namespace cmkd
