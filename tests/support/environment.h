// A variable of the environment for the length of a test.
#pragma once

#include <cstdlib>
#include <string>
#include <utility>

namespace cmkd::test {

// Sets it, and removes it on destruction. For variables that the test programs start without.
class EnvironmentVariable {
 public:
  EnvironmentVariable(std::string name, const std::string& value) : name_(std::move(name)) {
    ::setenv(name_.c_str(), value.c_str(), /*overwrite=*/1);
  }
  ~EnvironmentVariable() { ::unsetenv(name_.c_str()); }
  EnvironmentVariable(const EnvironmentVariable&) = delete;
  EnvironmentVariable& operator=(const EnvironmentVariable&) = delete;

 private:
  std::string name_;
};

}  // namespace cmkd::test
