#include "catch.h"
//
#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

#include "cmkd/core/error.h"
#include "cmkd/methods/training.h"

using namespace cmkd;

namespace {

// Two scalar layers: "student" y = 3 x, "method" z = 5 y, both without bias.
struct Chain {
  Chain() {
    const at::NoGradGuard no_grad;
    student->weight.fill_(3.0);
    method->weight.fill_(5.0);
  }

  [[nodiscard]] std::vector<ModuleGroup> groups() const {
    return {{"student", student.ptr(), 1.0, std::nullopt, {}}, {"method", method.ptr(), 1.0, std::nullopt, {}}};
  }
  [[nodiscard]] at::Tensor y() { return student->forward(at::full({1, 1}, 2.0)).sum(); }
  [[nodiscard]] at::Tensor z() { return method->forward(student->forward(at::full({1, 1}, 2.0))).sum(); }

  torch::nn::Linear student{torch::nn::LinearOptions(1, 1).bias(false)};
  torch::nn::Linear method{torch::nn::LinearOptions(1, 1).bias(false)};
};

double gradient(const torch::nn::Linear& layer) { return layer->weight.grad().item<double>(); }

}  // namespace

TEST_CASE("A term that names only the method moves no parameter of the student") {
  Chain chain;
  route_gradients({{"own", chain.z(), 1.0, {"method"}}}, chain.groups(), "main");
  CHECK_FALSE(chain.student->weight.grad().defined());
  CHECK(gradient(chain.method) == Approx(6.0));  // dz/dw_m = y = 3 · 2
}

TEST_CASE("Each group receives the weighted sum over the terms that name it") {
  Chain chain;
  const at::Tensor z = chain.z();
  route_gradients({{"a", z, 2.0, {"student", "method"}}, {"b", z * z, 0.5, {"method"}}, {"c", z, 3.0, {"student"}}},
                  chain.groups(), "main");
  // dz/dw_s = 5 · 2 = 10: 2 · 10 + 3 · 10. dz/dw_m = 6, z = 30, dz²/dw_m = 2 · 30 · 6: 2 · 6 + 0.5 · 360.
  CHECK(gradient(chain.student) == Approx(50.0));
  CHECK(gradient(chain.method) == Approx(192.0));
}

TEST_CASE("Gradients are overwritten, not added to those of the step before") {
  Chain chain;
  for (int step = 0; step < 3; ++step) {
    route_gradients({{"a", chain.z(), 1.0, {"student", "method"}}}, chain.groups(), "main");
  }
  CHECK(gradient(chain.student) == Approx(10.0));
  route_gradients({{"a", chain.y(), 1.0, {"student"}}}, chain.groups(), "main");
  CHECK(gradient(chain.student) == Approx(2.0));
  CHECK_FALSE(chain.method->weight.grad().defined());  // no term reaches it any more
}

TEST_CASE("A group that rests in a phase keeps out of it") {
  Chain chain;
  auto groups = chain.groups();
  groups[1].phases = {"warm"};
  route_gradients({{"a", chain.z(), 1.0, {"student", "method"}}}, groups, "main");
  CHECK(gradient(chain.student) == Approx(10.0));
  CHECK_FALSE(chain.method->weight.grad().defined());
  CHECK(trained_in(groups[1], "warm"));
  CHECK_FALSE(trained_in(groups[1], "main"));
}

TEST_CASE("A term of an unknown group is an error that names term and group") {
  Chain chain;
  try {
    route_gradients({{"csc", chain.z(), 1.0, {"metod"}}}, chain.groups(), "main");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kInternal);
    CHECK(std::string(error.what()).find("'csc'") != std::string::npos);
    CHECK(std::string(error.what()).find("'metod'") != std::string::npos);
  }
}

TEST_CASE("Terms without a graph, or of weight 0, train nothing and are no error") {
  Chain chain;
  route_gradients({{"zero", at::zeros({}), 1.0, {"student"}}, {"off", chain.z(), 0.0, {"student", "method"}}},
                  chain.groups(), "main");
  CHECK_FALSE(chain.student->weight.grad().defined());
}

TEST_CASE("A parameter that two groups share is one receiver in a joint term") {
  Chain chain;
  const std::vector<ModuleGroup> groups{{"student", chain.student.ptr(), 1.0, std::nullopt, {}},
                                        {"method", chain.student.ptr(), 1.0, std::nullopt, {}}};
  route_gradients({{"a", chain.y(), 1.0, {"student", "method"}}}, groups, "main");
  CHECK(gradient(chain.student) == Approx(2.0));
}
