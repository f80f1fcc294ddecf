// A folder of a command's own under the system's temporary folder, gone with this.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace cmkd::apps {

class Scratch {
 public:
  // `purpose`: "doctor", a part of its name.
  explicit Scratch(const std::string& purpose)
      : path_(std::filesystem::temp_directory_path() / fmt::format("cmkd-{}-{}", purpose, ::getpid())) {
    std::filesystem::create_directories(path_);
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace cmkd::apps
