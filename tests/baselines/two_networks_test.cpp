// The trainings that hold both networks: c2kd and multimodal.
#include "catch.h"
//
#include "tiny.h"

using namespace cmkd;

namespace {

// A case of the folder c2kd_step whose proxies' logits are their last biases, the same for every clip.
TensorMap c2kd_case(const at::Tensor& student_bias, const at::Tensor& teacher_bias, std::int64_t batch) {
  const std::int64_t classes = student_bias.size(0);
  TensorMap tensors{{"student", test::noise({batch, classes}, 1)},
                    {"teacher", test::noise({batch, classes}, 2)},
                    {"student_map", test::noise({batch, 3, 2, 2, 2}, 3)},
                    {"teacher_map", test::noise({batch, 5, 4, 3}, 4)},
                    {"targets", at::arange(batch, at::kLong).remainder(classes)},
                    {"hyper.threshold", at::scalar_tensor(0.0, at::kDouble)}};
  for (const std::string side : {"student", "teacher"}) {
    const std::int64_t width = side == "student" ? 3 : 5;
    const std::string layer = side + "_proxy.layer.";
    tensors["param." + layer + "0.weight"] = test::noise({width, width, 1, 1}, 5);
    tensors["param." + layer + "1.weight"] = at::ones({width}, at::kDouble);
    tensors["param." + layer + "1.bias"] = at::zeros({width}, at::kDouble);
    tensors["buffer." + layer + "1.running_mean"] = at::zeros({width}, at::kDouble);
    tensors["buffer." + layer + "1.running_var"] = at::ones({width}, at::kDouble);
    tensors["buffer." + layer + "1.num_batches_tracked"] = at::zeros({}, at::kLong);
    tensors["param." + side + "_proxy.fc.weight"] = at::zeros({classes, width}, at::kDouble);
    tensors["param." + side + "_proxy.fc.bias"] = side == "student" ? student_bias : teacher_bias;
  }
  return tensors;
}

TensorMap run_c2kd(const TensorMap& tensors) {
  return method_registry().get("c2kd").conformance.at("c2kd_step")(VectorCase(tensors));
}

bool close(const at::Tensor& a, const at::Tensor& b) { return at::allclose(a, b, 1e-12, 1e-12); }

const at::Tensor kFirst = at::tensor({1.0, 2.0, 2.0, 3.0}, at::kDouble);
const at::Tensor kSecond = at::tensor({1.0, 3.0, 2.0, 2.0}, at::kDouble);

}  // namespace

TEST_CASE("c2kd: Kendall's tau_b counts ties as worked out by hand, and a constant row agrees with nothing") {
  // Six pairs: 3 concordant, 1 discordant, 1 tied in each list alone: (3 − 1) / sqrt(5 · 5).
  const TensorMap tied = run_c2kd(c2kd_case(kFirst, kSecond, 3));
  CHECK(close(tied.at("kendall"), at::full({3}, 0.4, at::kDouble)));
  CHECK(tied.at("mask").sum().item<double>() == 3.0);
  TensorMap constant = c2kd_case(kFirst, at::ones({4}, at::kDouble), 3);
  constant["hyper.threshold"] = at::scalar_tensor(-1.0, at::kDouble);
  const TensorMap none = run_c2kd(constant);
  CHECK(none.at("mask").sum().item<double>() == 0.0);
  CHECK(none.at("term.nontarget_student_proxy").item<double>() == 0.0);
}

TEST_CASE("c2kd: each side's gradient is that of its own terms, with what teaches it held fixed") {
  const std::int64_t batch = 3;
  const TensorMap tensors = c2kd_case(kFirst, kSecond, batch);
  const TensorMap computed = run_c2kd(tensors);
  const at::Tensor target = at::one_hot(tensors.at("targets"), 4).to(at::kDouble);
  const at::Tensor keep = 1 - target;
  const at::Tensor first = kFirst.unsqueeze(0).expand({batch, 4});
  const at::Tensor second = kSecond.unsqueeze(0).expand({batch, 4});
  // d CE / dz = softmax(z) − y, d KL(sg p ‖ q) / dq = softmax(q) − softmax(p), over B.
  const auto network = [&](const at::Tensor& logits, const at::Tensor& proxy) {
    const at::Tensor p = logits.softmax(1);
    return (p - target + p - proxy.softmax(1)) / batch;
  };
  CHECK(close(computed.at("grad.student"), network(tensors.at("student"), first)));
  CHECK(close(computed.at("grad.teacher"), network(tensors.at("teacher"), second)));
  const auto proxy = [&](const at::Tensor& own, const at::Tensor& other, const at::Tensor& logits) {
    const at::Tensor imitation = own.softmax(1) - logits.softmax(1);
    const at::Tensor nontarget = keep * ((own * keep).softmax(1) - (other * keep).softmax(1));
    return ((imitation + nontarget) / batch).sum(0);
  };
  CHECK(close(computed.at("grad.param.student_proxy.fc.bias"), proxy(first, second, tensors.at("student"))));
  CHECK(close(computed.at("grad.param.teacher_proxy.fc.bias"), proxy(second, first, tensors.at("teacher"))));
}

TEST_CASE("multimodal: the frozen teacher stays in eval mode, has no gradient, and is looked at in testing") {
  const MethodInfo& info = method_registry().get("multimodal");
  const TrainingSetup setup = test::tiny_setup(info);
  const auto training = info.make(setup);
  const Predictor predictor = training->predictor();
  for (const auto& module : predictor.modules) module->train();
  for (const ModuleGroup& group : training->groups()) group.module->train();
  CHECK_FALSE(setup.teacher->is_training());
  Batch batch = test::tiny_batch(info, 0);
  route_gradients(training->step(StepContext{}, batch).terms, training->groups(), "main");
  for (const at::Tensor& parameter : setup.teacher->parameters()) CHECK_FALSE(parameter.grad().defined());
  const at::Tensor before = predictor.predict(batch).logits;
  batch.audio = batch.audio + 1;
  CHECK_FALSE(at::equal(predictor.predict(batch).logits, before));
}
