// mlld — Jin, Wang and Lin 2023, "Multi-Level Logit Distillation", CVPR 2023.
//
// At a temperature T, with P = softmax(s / T) and Q = softmax(t / T), both [B, C]:
//   instance  I_T = T² · mean_i KL(Q_i ‖ P_i)
//   class     C_T = ‖PᵀP − QᵀQ‖_F² / C        [C, C]
//   batch     B_T = ‖PPᵀ − QQᵀ‖_F² / B        [B, B]
// Confidence of the teacher, from q = softmax(t): of clip i max_c q_ic, of class c Σ_i q_ic. Masks m [B] and n [C]: 1
// where it is at most the median of the batch (of the classes). Sums run over T = 2, 3, 4, 5, 6; z is the student on
// the plain clip, z' on the strongly augmented one:
//   L = weight · (instance + class + batch) + classification_weight · (CE(z, y) + CE(z', y))
//
// What the official code computes differs from what it sets out to, and both are offered as `masking`:
//   "share" (as the code runs)     the alignments are scalars before the masks meet them, so that a mask multiplies its
//                                  alignment by the share of ones in it:
//       instance = Σ_T mean(m) I_T(z) + Σ_{T = 3, 4, 5} I_T(z') + Σ_{T = 2, 6} I_T(z)
//       class = Σ_T mean(n) C_T(z),   batch = Σ_T mean(m) B_T(z)
//   "rows" (as the masks read)     the masks choose what is aligned, and all temperatures see the strong view:
//       instance = Σ_T (mean_i m_i I_T,i(z) + I_T(z'))
//       class = Σ_T Σ_jk n_k (…)²_jk / C,   batch = Σ_T Σ_ij m_j (…)²_ij / B
// Neither aligns classes and batch on the strong view.
//
// Differs: the teacher's logits on the plain clip stand for both views, because they are cached (the official code
// runs the teacher on each); the strong view is strong_view.h's, since RandAugment has no counterpart for waveforms.
// Settled against the official code (github.com/Jin-Ying/Multi-Level-Logit-Distillation,
// mdistiller/distillers/KD_ours.py, commit 6327e733): temperatures, the masks at the median, the masks that multiply
// a scalar, the plain view at T = 2 and 6 in the second sum, and class and batch alignment on the plain view alone
// are as it runs. The vectors check I_T, C_T and B_T.
#include <ATen/ATen.h>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> mlld_parameters() {
  return {weight_parameter(0.1), classification_weight_parameter(),
          ParameterSpec::choice("masking", "share", {"share", "rows"},
                                "What a confidence mask does: multiply the alignment by its share of ones, as the "
                                "official code runs, or choose the clips and classes that are aligned.")};
}

// The three alignments at one temperature, before any reduction that a mask could enter.
struct Alignments {
  Alignments(const at::Tensor& student_logits, const at::Tensor& teacher_logits, double temperature) {
    const at::Tensor student = at::softmax(student_logits / temperature, 1);
    const at::Tensor teacher = at::softmax(teacher_logits / temperature, 1);
    instance = temperature * temperature * kl_rows(teacher_logits, student_logits, temperature);
    of_classes =
        (at::mm(student.t(), student) - at::mm(teacher.t(), teacher)).square() / static_cast<double>(student.size(1));
    of_batch =
        (at::mm(student, student.t()) - at::mm(teacher, teacher.t())).square() / static_cast<double>(student.size(0));
  }

  at::Tensor instance;    // [B], to be averaged
  at::Tensor of_classes;  // [C, C], to be summed
  at::Tensor of_batch;    // [B, B], to be summed
};

// [N] of 0 and 1: where a value is at most the median. (The middle of the two middle ones, for an even number.)
at::Tensor at_most_median(const at::Tensor& values) {
  const at::Tensor sorted = std::get<0>(values.sort());
  const std::int64_t count = values.size(0);
  const at::Tensor median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
  return values.le(median).to(values.scalar_type());
}

class MultiLevelLogitDistillation final : public Method {
 public:
  explicit MultiLevelLogitDistillation(const Parameters& values)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        rows_(values.text("masking") == "rows") {}

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    const at::Tensor plain = at_least_float(input.student.logits);
    const at::Tensor strong = at_least_float(input.strong.logits);
    const at::Tensor teacher = at_least_float(input.teacher.logits);
    const at::Tensor probability = at::softmax(teacher, 1);
    const at::Tensor clips = at_most_median(std::get<0>(probability.max(1)));
    const at::Tensor classes = at_most_median(probability.sum(0));
    at::Tensor instance = zero_of(plain);
    at::Tensor of_classes = zero_of(plain);
    at::Tensor of_batch = zero_of(plain);
    for (const double temperature : {2.0, 3.0, 4.0, 5.0, 6.0}) {
      const Alignments own(plain, teacher, temperature);
      instance = instance + (rows_ ? (own.instance * clips).mean() : own.instance.mean() * clips.mean());
      of_classes = of_classes + (rows_ ? (own.of_classes * classes).sum() : own.of_classes.sum() * classes.mean());
      of_batch = of_batch + (rows_ ? (own.of_batch * clips).sum() : own.of_batch.sum() * clips.mean());
      // The code as it runs gives the second sum's temperatures 2 and 6 the plain view once more.
      const bool second_plain = !rows_ && (temperature == 2.0 || temperature == 6.0);
      instance = instance + (second_plain ? own.instance.mean()
                                          : temperature * temperature * kl_divergence(teacher, strong, temperature));
    }
    return {{student_classification(input, classification_weight_),
             {"strong_cls",
              classification_term(input.strong.logits, input.labels, input.label_known),
              classification_weight_,
              {"student"}},
             {"instance", instance, weight_, {"student"}},
             {"class", of_classes, weight_, {"student"}},
             {"batch", of_batch, weight_, {"student"}}},
            {{"masked_clips", clips.mean()}, {"masked_classes", classes.mean()}}};
  }

 private:
  double weight_;
  double classification_weight_;
  bool rows_;
};

// The vectors hold the alignments themselves, on one view and without masks.
TensorMap check_mlld(const VectorCase& vector_case) {
  const at::Tensor student = vector_case.leaf("student");
  const Alignments alignments(student, vector_case.at("teacher"), vector_case.hyper("temperature"));
  const std::vector<LossTerm> terms{{"instance", alignments.instance.mean(), 1.0, {"student"}},
                                    {"class", alignments.of_classes.sum(), 1.0, {"student"}},
                                    {"batch", alignments.of_batch.sum(), 1.0, {"student"}}};
  TensorMap computed = routed_gradients(terms, nullptr, {{"student", student}});
  at::Tensor loss = at::zeros({}, student.options());
  for (const LossTerm& term : terms) {
    loss = loss + term.value.detach();
    computed.emplace("term." + term.name, term.value.detach());
  }
  computed.emplace("loss", loss);
  return computed;
}

MethodInfo describe_mlld() {
  MethodInfo info;
  info.id = "mlld";
  info.title = "Multi-Level Logit Distillation";
  info.paper = "Jin et al. 2023, Multi-Level Logit Distillation, CVPR 2023";
  info.formula =
      "L = weight sum over T = 2...6 of (T^2 KL(Q || P) on two views + |P'P - Q'Q|^2 / C + |PP' - QQ'|^2 / B), weighed "
      "by masks of low confidence, + classification_weight (CE on both views)";
  info.verified = Verified::kPart;
  info.parameters = mlld_parameters();
  info.presets["paper"] = {{"weight", 1.0}, {"classification_weight", 1.0}, {"masking", "share"}};
  info.presets["suite"] = {{"weight", 0.1}, {"classification_weight", 1.0}, {"masking", "share"}};
  info.needs.strong_view = true;
  info.search = {{"weight", 0.002, 2.0, true, {}},
                 {"masking", 0, 0, false, {std::string("share"), std::string("rows")}}};
  info.unlabelled = "in the alignments, which need no label; not in the cross-entropies";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    return make_distillation(setup, needs, std::make_shared<MultiLevelLogitDistillation>(setup.parameters));
  };
  info.conformance["mlld"] = check_mlld;
  return info;
}

const MethodRegistration mlld_registration{describe_mlld()};

}  // namespace
}  // namespace cmkd
