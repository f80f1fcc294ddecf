#include <fmt/format.h>

#include <charconv>

#include "cmkd/core/error.h"
#include "cmkd/harness/plan.h"

namespace cmkd {

PlanShard parse_shard(const std::string& text) {
  PlanShard shard;
  const char* end = text.data() + text.size();
  const auto index = std::from_chars(text.data(), end, shard.index);
  const bool slash = index.ec == std::errc() && index.ptr != end && *index.ptr == '/';
  const auto count = slash ? std::from_chars(index.ptr + 1, end, shard.count) : index;
  if (slash && count.ec == std::errc() && count.ptr == end && shard.index >= 0 && shard.index < shard.count)
    return shard;
  throw Error(ErrorKind::kUsage, {.what = fmt::format("'{}' is no part of a plan", text),
                                  .where = "--shard",
                                  .allowed = "I/N with I from 0 to N - 1",
                                  .fix = "of 4 machines the first takes --shard 0/4, the last --shard 3/4"});
}

}  // namespace cmkd
