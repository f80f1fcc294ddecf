// mnf — the modality noise filter of MNF + CSC alone (Xia et al. 2023, arXiv 2304.07775, section 3.2): an ablation of
// `mnf_csc` that keeps the filter and takes a constant temperature, so that nothing of a pair's semantic correlation
// enters the contrast. The same code with `temperature = "constant"`; shapes and terms as in mnf_csc.h.
//
// Differs: the paper's own ablation could not be read from here, so that which terms are kept is this suite's
// reading; there are no vectors of it.
#include <algorithm>

#include "cmkd/methods/mnf_csc.h"

namespace cmkd {
namespace {

// Of the parameters of mnf_csc, those that this ablation leaves free.
std::vector<ParameterSpec> mnf_parameters() {
  std::vector<ParameterSpec> specs = MnfCscOptions::parameters();
  std::erase_if(specs, [](const ParameterSpec& spec) {
    return spec.name == "temperature" || spec.name == "tau_floor" || spec.name == "gate";
  });
  return specs;
}

MnfCscOptions options_of(const Parameters& values) {
  Parameters all(MnfCscOptions::parameters());
  for (const auto& [name, value] : values.values()) all.set(name, value);
  all.set("temperature", std::string("constant"));
  all.set("tau_floor", 0.0);  // the threshold is the temperature
  all.set("gate", true);
  return MnfCscOptions::from(all);
}

MethodInfo describe_mnf() {
  MethodInfo info;
  info.id = "mnf";
  info.title = "Modality Noise Filter alone";
  info.paper = "Xia et al. 2023, Robust Cross-Modal Knowledge Distillation for Unconstrained Videos, arXiv 2304.07775";
  info.formula =
      "As mnf_csc with tau_ij = threshold: the teacher's feature is filtered, the contrast of v and v~ is not "
      "calibrated by the pair's similarity.";
  info.verified = Verified::kNone;
  info.repeatable_step = true;
  info.parameters = mnf_parameters();
  for (ParameterSpec& spec : info.parameters) {
    // Zero or less is no temperature.
    if (spec.name == "threshold") spec.minimum = 1e-3;
  }
  info.presets["paper"] = {{"weight", 1.0},       {"classification_weight", 1.0},   {"module_weight", 1.0},
                           {"threshold", 0.2},    {"gate_l1", std::string("last")}, {"margin", 0.2},
                           {"norm_weight", 0.001}};
  info.presets["suite"] = {{"weight", 1.0}, {"threshold", 0.2}};
  info.needs = mnf_csc_needs();
  info.search = {{"weight", 0.03, 3.0}, {"threshold", 0.05, 1.0}, {"module_weight", 0.1, 3.0}};
  info.unlabelled = mnf_csc_unlabelled();
  info.make = [](const TrainingSetup& setup) {
    return make_distillation(setup, mnf_csc_needs(),
                             std::make_shared<MnfCsc>(mnf_csc_widths(setup, "mnf"), options_of(setup.parameters)));
  };
  return info;
}

const MethodRegistration mnf_registration{describe_mnf()};

}  // namespace
}  // namespace cmkd
