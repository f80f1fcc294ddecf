#include "catch.h"
//
#include <ATen/ATen.h>

#include "cmkd/core/error.h"
#include "cmkd/methods/mnf_csc.h"
#include "cmkd/runtime/determinism.h"
#include "gradient_check.h"

using namespace cmkd;

namespace {

constexpr std::int64_t kBatch = 5;
constexpr std::int64_t kClasses = 3;

// Student 4-wide with 6 tokens, teacher 8-wide; clips 1 and 3 are unlabelled.
MethodInput clips(std::int64_t batch = kBatch, std::int64_t student_width = 4) {
  MethodInput input;
  input.student.logits = test::noise({batch, kClasses}, 1);
  input.student.embedding = test::noise({batch, student_width}, 2);
  input.student.tokens = test::noise({batch, 6, student_width}, 3);
  input.teacher.logits = test::noise({batch, kClasses}, 4);
  input.teacher.embedding = test::noise({batch, 8}, 5);
  input.pseudo_labels = input.teacher.logits.argmax(1);
  const at::Tensor index = at::arange(batch, at::kLong);
  input.label_known = index.remainder(2).eq(0);
  input.labels = index.remainder(kClasses).masked_fill(input.label_known.logical_not(), -1);
  return input;
}

std::shared_ptr<MnfCsc> method_of(const MnfCscOptions& options, std::int64_t student_width = 4) {
  const ScopedSeed seed(7);
  auto method = std::make_shared<MnfCsc>(MnfCscWidths{student_width, student_width, 8, kClasses}, options);
  method->to(at::kDouble);
  return method;
}

at::Tensor total(const StepResult& result) {
  at::Tensor sum = at::zeros({}, at::kDouble);
  for (const LossTerm& term : result.terms) sum = sum + term.weight * term.value;
  return sum;
}

const LossTerm& term_of(const StepResult& result, const std::string& name) {
  for (const LossTerm& term : result.terms) {
    if (term.name == name) return term;
  }
  FAIL("no term " << name);
  return result.terms.front();
}

}  // namespace

TEST_CASE("The official module has as many parameters here, and projections only where widths differ") {
  // D = 8, C = 3: gate 16·4 + 4 + 2·4 + 4·8 + 8, attention 24·8 + 24 + 8·8 + 8, trans_sv 8·8 + 8 + 2·8, classifier 8·3
  // + 3
  const std::int64_t official = (64 + 4 + 8 + 32 + 8) + (192 + 24 + 64 + 8) + (64 + 8 + 16) + 27;
  const auto count = [](const MnfCsc& method) {
    std::int64_t sum = 0;
    for (const at::Tensor& parameter : method.parameters()) sum += parameter.numel();
    return sum;
  };
  CHECK(count(*method_of({}, 8)) == official);
  CHECK(count(*method_of({}, 4)) == official + 2 * (4 * 8 + 8));  // embedding and tokens, 4 -> 8
}

TEST_CASE("Module terms train the method alone, student terms train both") {
  const StepResult result = method_of({})->loss(clips(), {});
  const std::vector<std::string> module{"method"};
  const std::vector<std::string> both{"student", "method"};
  for (const std::string name : {"filtered_cls", "gate_l1", "triplet"}) CHECK(term_of(result, name).trains == module);
  for (const std::string name : {"student_cls", "csc"}) CHECK(term_of(result, name).trains == both);
  CHECK(term_of(result, "gate_l1").weight == Approx(0.001));
}

TEST_CASE("The whole step agrees with finite differences, the temperature being held") {
  const MethodInput base = clips();
  const auto method = method_of({});
  const at::Tensor similarity = cosine_matrix(test::noise({kBatch, 8}, 8), base.teacher.embedding);
  const double error = test::gradient_error({base.student.logits, base.student.embedding, base.student.tokens},
                                            [&](const std::vector<at::Tensor>& x) {
                                              MethodInput input = base;
                                              input.student.logits = x[0];
                                              input.student.embedding = x[1];
                                              input.student.tokens = x[2];
                                              return total(method->compute(input, similarity).result);
                                            });
  CHECK(error < 1e-6);
}

TEST_CASE("Any policy for unlabelled clips gives finite terms, with no labelled clip and with one clip alone, too") {
  for (const auto policy : {UnlabelledPolicy::kPseudo, UnlabelledPolicy::kSkip, UnlabelledPolicy::kInstance}) {
    for (const std::int64_t batch : {std::int64_t{1}, kBatch}) {
      for (const bool any_label : {true, false}) {
        MethodInput input = clips(batch);
        if (!any_label) {
          input.label_known = at::zeros_like(input.label_known);
          input.labels = at::full_like(input.labels, -1);
        }
        input.student.embedding.requires_grad_(true);
        MnfCscOptions options;
        options.unlabelled = policy;
        const StepResult result = method_of(options)->loss(input, {});
        total(result).backward();
        CHECK(total(result).isfinite().item<bool>());
        CHECK(input.student.embedding.grad().isfinite().all().item<bool>());
        for (const Diagnostic& diagnostic : result.diagnostics) CHECK(diagnostic.value.isfinite().item<bool>());
      }
    }
  }
}

TEST_CASE("With all clips skipped, calibration and filtered classification are zero") {
  MethodInput input = clips();
  input.label_known = at::zeros_like(input.label_known);
  input.labels = at::full_like(input.labels, -1);
  MnfCscOptions options;
  options.unlabelled = UnlabelledPolicy::kSkip;
  const StepResult result = method_of(options)->loss(input, {});
  CHECK(term_of(result, "csc").value.item<double>() == 0.0);
  CHECK(term_of(result, "filtered_cls").value.item<double>() == 0.0);
}

TEST_CASE("Without the gate the teacher's feature passes as it is, and the gate's terms are gone") {
  MnfCscOptions options;
  options.gate = false;
  const MnfCsc::Output output = method_of(options)->compute(clips());
  CHECK(output.filter.filtered_teacher.equal(clips().teacher.embedding));
  CHECK(output.result.terms.size() == 3);
}

TEST_CASE("The L1 term may count both gate layers") {
  MnfCscOptions options;
  const double last = term_of(method_of(options)->loss(clips(), {}), "gate_l1").value.item<double>();
  options.gate_norm_both_layers = true;
  const double both = term_of(method_of(options)->loss(clips(), {}), "gate_l1").value.item<double>();
  CHECK(both > last);
}

TEST_CASE("A teacher of odd width is refused with the reason") {
  CHECK_THROWS_AS(MnfCsc(MnfCscWidths{4, 4, 7, 3}, MnfCscOptions{}), Error);
}
