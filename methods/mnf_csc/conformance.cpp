// The check of the vector folder "mnf_csc": a whole step.
#include <ATen/ATen.h>

#include "cmkd/methods/mnf_csc.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {

namespace {

TensorMap check_step(const VectorCase& vector_case) {
  const at::Tensor tokens = vector_case.leaf("video_map");
  const at::Tensor embedding = vector_case.leaf("video");
  const at::Tensor logits = vector_case.leaf("video_logits");
  MethodInput input = labelled_input(vector_case.at("targets"));
  input.student.tokens = tokens;
  input.student.embedding = embedding;
  input.student.logits = logits;
  input.teacher.embedding = vector_case.at("audio");

  MnfCscOptions options;
  options.calibration = {vector_case.hyper("threshold"), /*adaptive=*/true, /*tau_floor=*/0.0};
  options.margin = vector_case.hyper("margin");
  options.norm_weight = vector_case.hyper("norm_weight");
  const std::int64_t width = input.teacher.embedding.size(1);
  const auto method = std::make_shared<MnfCsc>(MnfCscWidths{width, width, width, logits.size(1)}, options);
  make_double(*method, vector_case.device());
  const auto filter = std::dynamic_pointer_cast<NoiseFilterImpl>(method->filter().shared_from_this());
  load_case(*filter, vector_case);

  const MnfCsc::Output output = method->compute(input, vector_case.at("similarity"));
  TensorMap computed = routed_gradients(output.result.terms, filter,
                                        {{"video_map", tokens}, {"video", embedding}, {"video_logits", logits}});
  computed.emplace("gate", output.filter.gate);
  computed.emplace("filtered_audio", output.filter.filtered_teacher);
  computed.emplace("filtered_video", output.filter.filtered_student);
  computed.emplace("filtered_logits", output.filter.filtered_logits);
  computed.emplace("attention", output.filter.attention);
  at::Tensor module_loss = at::zeros({}, logits.options());
  at::Tensor student_loss = at::zeros({}, logits.options());
  for (const LossTerm& term : output.result.terms) {
    const at::Tensor value = weighted_term(output.result, term.name);
    computed.emplace("term." + term.name, value);
    (term.trains.size() == 1 ? module_loss : student_loss) += value;
  }
  computed.emplace("module_loss", module_loss);
  computed.emplace("student_loss", student_loss);
  return computed;
}

}  // namespace

std::map<std::string, ConformanceCheck> mnf_csc_conformance() { return {{"mnf_csc", check_step}}; }

}  // namespace cmkd
