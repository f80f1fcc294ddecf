// The salience of a linear teacher, written down, and which dimensions the three shares replace.
#include "catch.h"
//
#include <ATen/ATen.h>

#include "cmkd/methods/mfh.h"

using namespace cmkd;

namespace {

at::Tensor bools(std::initializer_list<int> values) {
  std::vector<std::int64_t> list(values.begin(), values.end());
  return at::tensor(list, at::kLong).to(at::kBool);
}

}  // namespace

TEST_CASE("mfh: the salience of a linear teacher is what a dimension's weights make of its differences") {
  // Three clips of three values, two classes; t = W x, and the student says the same.
  const at::Tensor embedding = at::tensor({1.0, 5.0, 2.0, 3.0, 5.0, 0.0, 4.0, 5.0, 7.0}, at::kDouble).view({3, 3});
  const at::Tensor weight = at::tensor({2.0, 3.0, 1.0, 0.0, 4.0, 1.0}, at::kDouble).view({2, 3});
  const auto classify = [&](const at::Tensor& x) { return at::mm(x, weight.t()); };
  const at::Tensor order = at::tensor({1, 2, 0}, at::kLong);
  const at::Tensor salience = permutation_salience(classify, embedding, classify(embedding), order);
  // Dimension 0: differences 2, 1, −3, squares 14, times |(2, 0)|² / 2 = 2: 28. Dimension 1 is the same for all clips:
  // 0, whatever its weights. Dimension 2: −2, 7, −5, squares 78, times |(1, 1)|² / 2 = 1: 78.
  CHECK(at::allclose(salience, at::tensor({28.0, 0.0, 78.0}, at::kDouble), 0, 1e-12));
  CHECK(at::allclose(scaled_salience(salience), at::tensor({28.0 / 78, 0.0, 1.0}, at::kDouble), 0, 1e-12));
}

TEST_CASE("mfh: where teacher and student disagree, a permutation that brings them together is least salient") {
  // One class, t = x_0 + x_1. The student says what the teacher would with dimension 1 turned round.
  const at::Tensor embedding = at::tensor({1.0, 10.0, 2.0, 20.0}, at::kDouble).view({2, 2});
  const at::Tensor student = at::tensor({21.0, 12.0}, at::kDouble).view({2, 1});
  const auto sum = [](const at::Tensor& x) { return x.sum(1, /*keepdim=*/true); };
  const at::Tensor salience = permutation_salience(sum, embedding, student, at::tensor({1, 0}, at::kLong));
  // Dimension 0 turned round: 12 and 21 against 21 and 12, 81 + 81. Dimension 1: 21 and 12, 0.
  CHECK(at::allclose(salience, at::tensor({162.0, 0.0}, at::kDouble), 0, 1e-12));
}

TEST_CASE("mfh: many dimensions are measured in parts, with the same result") {
  const at::Tensor embedding = at::arange(2 * 1500, at::kDouble).view({2, 1500}).sin();
  const at::Tensor weight = at::arange(1500, at::kDouble).cos().view({1, 1500});
  const auto classify = [&](const at::Tensor& x) { return at::mm(x, weight.t()); };
  const at::Tensor order = at::tensor({1, 0}, at::kLong);
  const at::Tensor salience = permutation_salience(classify, embedding, classify(embedding), order);
  const at::Tensor difference = (embedding[0] - embedding[1]) * weight[0];
  CHECK(at::allclose(salience, 2 * difference.square(), 1e-6, 1e-9));
}

TEST_CASE("mfh: the general share keeps the highest salience, the controls the lowest, and any") {
  const at::Tensor salience = at::tensor({0.5, 0.1, 0.9, 0.3}, at::kDouble);
  const at::Tensor order = at::tensor({3, 0, 2, 1}, at::kLong);
  const auto replaced = [&](double ratio, TaughtShare taught) {
    return replaced_dimensions(salience, ratio, taught, order);
  };
  CHECK(at::equal(replaced(0.5, TaughtShare::kGeneral), bools({0, 1, 0, 1})));
  CHECK(at::equal(replaced(0.5, TaughtShare::kLeastGeneral), bools({1, 0, 1, 0})));
  CHECK(at::equal(replaced(0.5, TaughtShare::kRandom), bools({1, 0, 0, 1})));
  CHECK(at::equal(replaced(0.74, TaughtShare::kGeneral), bools({0, 1, 0, 1})));  // ⌊2.96⌋
  CHECK(at::equal(replaced(0.75, TaughtShare::kGeneral), bools({1, 1, 0, 1})));
  CHECK(at::equal(replaced(0.0, TaughtShare::kGeneral), bools({0, 0, 0, 0})));
  CHECK(at::equal(replaced(1.0, TaughtShare::kLeastGeneral), bools({1, 1, 1, 1})));
  const at::Tensor equal = at::zeros({3}, at::kDouble);
  CHECK(at::equal(replaced_dimensions(equal, 0.34, TaughtShare::kGeneral, order), bools({1, 0, 0})));
  CHECK(at::equal(scaled_salience(equal), equal));
}

TEST_CASE("mfh: a replaced dimension says the same of every clip of the batch") {
  const at::Tensor embedding = at::tensor({1.0, 2.0, 3.0, 6.0}, at::kDouble).view({2, 2});
  CHECK(at::equal(with_batch_means(embedding, bools({0, 1})),
                  at::tensor({1.0, 4.0, 3.0, 4.0}, at::kDouble).view({2, 2})));
}
