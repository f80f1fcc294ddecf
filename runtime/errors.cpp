#include "cmkd/runtime/errors.h"

#include <c10/util/Exception.h>

namespace cmkd {

std::string short_message(const c10::Error& error) {
  const std::string message = error.what_without_backtrace();
  return message.substr(0, message.find('\n'));
}

std::string short_message(const std::exception& error) {
  if (const auto* torch_error = dynamic_cast<const c10::Error*>(&error)) return short_message(*torch_error);
  return error.what();
}

}  // namespace cmkd
