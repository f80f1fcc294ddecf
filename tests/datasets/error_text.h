// What an error says, for tests of its words.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>

#include "cmkd/core/error.h"

namespace cmkd::test {

// The text of the Error that `call` throws, "no error" when it throws none.
inline std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

inline bool mentions(const std::string& text, std::initializer_list<const char*> parts) {
  for (const char* part : parts) {
    if (text.find(part) == std::string::npos) return false;
  }
  return true;
}

}  // namespace cmkd::test
