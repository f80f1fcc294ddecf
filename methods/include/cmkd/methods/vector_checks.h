// What conformance checks share: running a method on a case and collecting what it gives, under the names of the case.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cmkd/methods/conformance.h"
#include "cmkd/methods/method.h"

namespace cmkd {

// A check of tensors by name as a folder's check: reads each file, computes on the device, and compares everything that
// it expects.
[[nodiscard]] FolderCheck case_check(const std::string& implementation, const ConformanceCheck& check,
                                     c10::Device device = c10::kCPU);

// Moves the module to the device, and makes floating parameters and buffers float64. (`Module::to` would turn a counter
// into a float, too.)
void make_double(torch::nn::Module& module, c10::Device device);

// Makes `module` float64 on the case's device, in train mode, with the case's "param.*" and "buffer.*" as its state.
// Throws Error(kData) where names or shapes differ.
void load_case(torch::nn::Module& module, const VectorCase& vector_case);

// A MethodInput without labels for the B clips of `features` [B, …], where these are: none is known, and the logits are
// 0. The check fills in features.
[[nodiscard]] MethodInput unlabelled_input(const at::Tensor& features);
// The same with all labels known.
[[nodiscard]] MethodInput labelled_input(const at::Tensor& labels);

// Leaves by their names in the case ("student", "video_map").
using NamedLeaves = std::vector<std::pair<std::string, at::Tensor>>;

// Sends the terms' gradients through `route_gradients`, the module standing for the group "method" (none: null), the
// leaves for the students's side. Returns "grad.<leaf>", "grad.param.<name>" and, after the step, "buffer.<name>".
[[nodiscard]] TensorMap routed_gradients(const std::vector<LossTerm>& terms,
                                         const std::shared_ptr<torch::nn::Module>& module,
                                         const NamedLeaves& student_leaves, const NamedLeaves& method_leaves = {});

// weight · value of the term of that name. Throws Error(kInternal) when there is none.
[[nodiscard]] at::Tensor weighted_term(const StepResult& result, const std::string& name);

// For a loss with a single input pair: "student" and "teacher" of the case as the `feature` of student and teacher,
// its method's term named `term` alone. Gives "loss" and "grad.student".
[[nodiscard]] TensorMap check_pair_loss(const VectorCase& vector_case, const std::shared_ptr<Method>& method,
                                        at::Tensor ModelOutput::*feature, const std::string& term);

// For a loss of feature maps: "student.0", "student.1", … (or "student" alone) and the teacher's as `stages` of both
// sides; the case's "param.*" and "buffer.*" become the method's own. Gives "loss" (the term named `term`), "loss.N"
// for each diagnostic "stageN", and the gradients of maps and parameters.
[[nodiscard]] TensorMap check_stage_loss(const VectorCase& vector_case, const std::shared_ptr<Method>& method,
                                         const std::string& term, const StepContext& context = {});

}  // namespace cmkd
