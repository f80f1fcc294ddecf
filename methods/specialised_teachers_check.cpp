#include "cmkd/methods/specialised_teachers.h"

#include <ATen/ATen.h>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {

namespace {

TensorMap check_mst_routing(const VectorCase& vector_case) {
  const at::Tensor student = vector_case.leaf("student");
  std::vector<at::Tensor> teachers;
  while (vector_case.has("teacher." + std::to_string(teachers.size()))) {
    teachers.push_back(vector_case.at("teacher." + std::to_string(teachers.size())));
  }
  RoutingGate gate(student.size(1), static_cast<std::int64_t>(teachers.size()));
  load_case(*gate, vector_case);
  const Routing routing = route(*gate, student, teachers, static_cast<std::int64_t>(vector_case.hyper("k")),
                                vector_case.hyper("temperature"));
  const MethodInput input = labelled_input(vector_case.at("targets"));
  const std::vector<LossTerm> terms = routing_terms(routing, student, input.labels, input.label_known, {});
  std::vector<LossTerm> routed = terms;
  for (LossTerm& term : routed) term.trains = {"student", "method"};
  TensorMap computed = routed_gradients(routed, gate.ptr(), {{"student", student}});
  at::Tensor loss = at::zeros({}, student.options());
  for (const LossTerm& term : terms) {
    computed.emplace("term." + term.name, term.weight * term.value.detach());
    loss = loss + term.weight * term.value.detach();
  }
  computed.emplace("loss", loss);
  computed.emplace("routes", routing.routes);
  return computed;
}

// A mask on the embedding of a teacher whose remaining layers are the case's `head`.
TensorMap check_mst_mask(const VectorCase& vector_case) {
  const at::Tensor feature = vector_case.leaf("feature");
  MaskedTeacher teacher(/*map_width=*/0, feature.size(1), static_cast<std::int64_t>(vector_case.hyper("heads")));
  load_case(*teacher.of_embedding, vector_case);
  at::Tensor masked;
  const auto head = [&](const at::Tensor& embedding) {
    masked = embedding;
    return at::linear(embedding, vector_case.at("head.weight"), vector_case.at("head.bias"));
  };
  const std::vector<at::Tensor> logits = teacher.logits({{}, feature}, head, /*stacked=*/false);
  const LossTerm term =
      mask_term("method", vector_case.at("student_logits"), logits.front(), vector_case.hyper("temperature"), 1.0);
  TensorMap computed = routed_gradients({term}, teacher.of_embedding.ptr(), {}, {{"feature", feature}});
  computed.emplace("mask", teacher.of_embedding->forward(feature).detach());
  computed.emplace("masked", masked.detach());
  computed.emplace("loss", term.value.detach());
  return computed;
}

}  // namespace

std::map<std::string, ConformanceCheck> specialised_teachers_conformance() {
  return {{"mst_mask", check_mst_mask}, {"mst_routing", check_mst_routing}};
}

}  // namespace cmkd
