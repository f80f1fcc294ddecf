// A step that asks the device for a value stalls it. On the host the same operators run and can be counted.
#include <ATen/record_function.h>

#include "catch.h"
//
#include <map>

#include "reading_operators.h"
#include "tiny.h"

using namespace cmkd;

namespace {

std::map<std::string, int>& counts() {
  static std::map<std::string, int> counted;
  return counted;
}

std::unique_ptr<at::ObserverContext> count(const at::RecordFunction& function) {
  if (test::reads_values(function.name())) ++counts()[function.name()];
  return nullptr;
}

class Counting {
 public:
  Counting() {
    counts().clear();
    handle_ = at::addThreadLocalCallback(at::RecordFunctionCallback(count).scopes({at::RecordScope::FUNCTION}));
  }
  ~Counting() { at::removeCallback(handle_); }
  Counting(const Counting&) = delete;
  Counting& operator=(const Counting&) = delete;

 private:
  at::CallbackHandle handle_;
};

std::string counted_text() {
  std::string text;
  for (const auto& [name, count] : counts()) text += name + " " + std::to_string(count) + " ";
  return text;
}

}  // namespace

TEST_CASE("The count sees a transfer") {
  const Counting counting;
  CHECK(at::ones({}).item<double>() == 1.0);
  CHECK(counts().at("aten::_local_scalar_dense") == 1);
}

TEST_CASE("A step and its backward pass read nothing back, whatever the method") {
  for (const std::string& id : method_registry().names()) {
    const MethodInfo& info = method_registry().get(id);
    const auto training = test::make_tiny(info);
    for (std::int64_t step = 0; step < 6; ++step) {
      // The second step of either phase: what is set up once may be read once.
      if (step % 3 != 1) {
        test::train_step(*training, info, step);
        continue;
      }
      const Counting counting;
      test::train_step(*training, info, step);
      INFO(id << ", step " << step << ": " << counted_text());
      CHECK(counts().empty());
    }
  }
}
