// Where tests find their material and put their files.
#pragma once

#include <filesystem>
#include <string>

namespace cmkd::test {

// The root of the source tree.
[[nodiscard]] std::filesystem::path source_dir();

// The project's copy of the vectors, tests/vectors/.
[[nodiscard]] std::filesystem::path vectors_dir();

// A folder or file of the real recordings that some tests want: in $CMKD_SHARED_DATA, or, where that is not set, in
// ../shared/data beside the source tree. Empty where it is not there; the test case then warns and returns, and is
// counted: the program says at its end how many were skipped.
[[nodiscard]] std::filesystem::path shared_data(const std::string& part);

// What main() says at the end: "3 test cases skipped: no shared data (…)", after a line about a CMKD_SHARED_DATA that
// is no folder; "" when there is nothing to say.
[[nodiscard]] std::string skipped_summary();

// A fresh folder under the system's temporary folder, removed with everything in it on destruction.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace cmkd::test
