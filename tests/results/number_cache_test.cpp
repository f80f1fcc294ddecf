#include "catch.h"
// The test framework comes first.
#include <cmath>
#include <fstream>
#include <limits>

#include "cmkd/core/file.h"
#include "cmkd/results/number_cache.h"
#include "paths.h"

using cmkd::results::NumberCache;
using cmkd::test::TemporaryFolder;

TEST_CASE("numbers come back bit for bit, and what nobody asks for is dropped at the next save") {
  const TemporaryFolder folder;
  const auto path = folder / "numbers.bin";
  NumberCache first = NumberCache::load(path);
  CHECK_FALSE(first.find("a").has_value());
  first.put("a", {0.1, -0.0, std::numeric_limits<double>::infinity(), 5e-324});
  first.put("b", {});
  CHECK(first.save() == "");
  NumberCache second = NumberCache::load(path);
  const std::vector<double> a = second.find("a").value();
  CHECK(a[0] == 0.1);
  CHECK(std::signbit(a[1]));
  CHECK(std::isinf(a[2]));
  CHECK(a[3] == 5e-324);
  CHECK(second.computed() == 0);
  CHECK(second.save() == "");
  NumberCache third = NumberCache::load(path);
  CHECK(third.find("a").has_value());
  CHECK_FALSE(third.find("b").has_value());
}

TEST_CASE("the same numbers give the same file whatever the order in which they were put") {
  const TemporaryFolder folder;
  NumberCache one = NumberCache::load(folder / "one.bin");
  one.put("a", {1});
  one.put("b", {2});
  NumberCache other = NumberCache::load(folder / "other.bin");
  other.put("b", {2});
  other.put("a", {1});
  CHECK(one.save() == "");
  CHECK(other.save() == "");
  CHECK(cmkd::read_file(folder / "one.bin") == cmkd::read_file(folder / "other.bin"));
}

TEST_CASE("a damaged file of numbers is said to be so, holds nothing, and is mended by the next save") {
  const TemporaryFolder folder;
  const auto path = folder / "numbers.bin";
  NumberCache whole = NumberCache::load(path);
  whole.put("a", {1, 2});
  CHECK(whole.save() == "");
  const std::string bytes = cmkd::read_file(path);
  std::string flipped = bytes;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  for (const std::string& wrong : {flipped, bytes.substr(0, bytes.size() - 1), std::string("other"), std::string()}) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << wrong;
    NumberCache damaged = NumberCache::load(path);
    CHECK(damaged.problem().find("numbers.bin") != std::string::npos);
    CHECK_FALSE(damaged.find("a").has_value());
    damaged.put("a", {1, 2});
    CHECK(damaged.save() == "");
    CHECK(cmkd::read_file(path) == bytes);
  }
}

TEST_CASE("where the file of numbers cannot be written the reason is given") {
  const TemporaryFolder folder;
  std::ofstream(folder / "file") << "no folder";
  NumberCache cache = NumberCache::load(folder / "file" / "numbers.bin");
  cache.put("a", {1});
  CHECK(cache.save().find("computes them again") != std::string::npos);
  NumberCache in_memory;
  in_memory.put("a", {1});
  CHECK(in_memory.find("a").has_value());
  CHECK(in_memory.save() == "");
}
