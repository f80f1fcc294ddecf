// The vectors' code (`conformance`) on cases small enough to be solved by hand.
#include "catch.h"
//
#include <cmath>

#include "tiny.h"

using namespace cmkd;

namespace {

TensorMap run_pkt(const at::Tensor& student, const at::Tensor& teacher) {
  return method_registry().get("pkt").conformance.at("pkt")(VectorCase({{"student", student}, {"teacher", teacher}}));
}

}  // namespace

TEST_CASE("pkt: two orthogonal clips against two equal ones") {
  // Student: kernel 1 and 1/2, rows (2/3, 1/3). Teacher: rows (1/2, 1/2). Mean of 1/2 log(3/4) and 1/2 log(3/2). The
  // two constants of 1e-7 move that by less than 1e-6.
  const at::Tensor student = at::eye(2, at::kDouble);
  const at::Tensor teacher = at::ones({2, 3}, at::kDouble);
  const double expected = (std::log(0.75) + std::log(1.5)) / 4;
  CHECK(run_pkt(student, teacher).at("loss").item<double>() == Approx(expected).epsilon(1e-5));
}

TEST_CASE("pkt: opposite and zero embeddings, and one clip, give finite values and gradients") {
  const at::Tensor opposite = at::tensor({1.0, 2.0, -1.0, -2.0, 0.0, 0.0}, at::kDouble).view({3, 2});
  for (const at::Tensor& student : {opposite, at::zeros_like(opposite), opposite.slice(0, 0, 1)}) {
    const at::Tensor teacher = test::noise({student.size(0), 4}, 3);
    for (const auto& [name, tensor] : run_pkt(student, teacher)) {
      INFO(name);
      CHECK(tensor.isfinite().all().item<bool>());
    }
  }
  CHECK(run_pkt(opposite, opposite).at("loss").abs().item<double>() < 1e-15);
}

TEST_CASE("pkt: half precision of the embeddings is widened: the value is that of the rounded embeddings") {
  const MethodInfo& info = method_registry().get("pkt");
  const at::Tensor half = test::noise({4, 6}, 1).to(at::kHalf);
  const at::Tensor teacher = test::noise({4, 6}, 2).to(at::kHalf);
  const auto value = [&](at::ScalarType type) {
    Batch batch = test::tiny_batch(info, 0, 4);
    batch.teacher.embedding = teacher.to(type);
    class Given final : public Model {
     public:
      explicit Given(at::Tensor embedding) : embedding_(std::move(embedding)) {}
      ModelOutput forward(const at::Tensor& input, const OutputRequest& /*request*/) override {
        return {at::zeros({input.size(0), test::kClasses}), embedding_, {}, {}};
      }
      [[nodiscard]] ModelShape shape() const override { return {Modality::kVideo, test::kClasses, 6, 6, {}}; }

     private:
      at::Tensor embedding_;
    };
    const auto training = test::make_tiny(info, std::make_shared<Given>(half.to(type)));
    return training->step(StepContext{}, batch).terms.back().value.item<double>();
  };
  CHECK(value(at::kHalf) == value(at::kFloat));
}
