// What a method computes, it computes where its batch lies, and there it gets as on the host. Held against a device
// that is one to LibTorch alone (other_device.h).
#include "catch.h"
//
#include "cmkd/core/error.h"
#include "cmkd/methods/conformance.h"
#include "cmkd/methods/vector_checks.h"
#include "cmkd/runtime/errors.h"
#include "other_device.h"
#include "paths.h"
#include "tiny.h"

using namespace cmkd;
using test::kOtherDevice;

namespace {

constexpr std::int64_t kStepsOfDevicePhase = 3;  // of one epoch

bool other_device_works() {
  if (!test::has_other_device())
    WARN("not tried: this LibTorch is built for another device, and has one of them at most");
  return test::has_other_device();
}

// As a batch comes to a device: what the host only looks up stays there.
Batch batch_on(Batch batch, c10::Device device) {
  const at::Tensor clips = batch.clip_index;
  const at::Tensor windows = batch.window;
  for_each_tensor(batch, [&](const char*, at::Tensor& tensor) { tensor = tensor.to(device); });
  batch.clip_index = clips;
  batch.window = windows;
  return batch;
}

std::unique_ptr<Training> training_on(const MethodInfo& info, c10::Device device) {
  TrainingSetup setup = test::tiny_setup(info);
  for (const std::shared_ptr<Model>& model : {setup.student, setup.teacher, setup.other, setup.second_student}) {
    if (model) model->to(device);
  }
  setup.device = device;
  const ScopedSeed seed(13);
  return info.make(setup);
}

// Fails the test, and goes on, with what the work throws, without LibTorch's stack.
template <typename Work>
void check_passes(const Work& work) {
  try {
    work();
  } catch (const c10::Error& error) {
    FAIL_CHECK(short_message(error));
  } catch (const std::exception& error) {
    FAIL_CHECK(short_message(error));
  }
}

// As in a process that goes on: a new training, and what the other one saved comes from a file, to the host.
std::unique_ptr<Training> resumed(Training& training, const MethodInfo& info, c10::Device device) {
  TensorMap saved = test::checkpoint_of(training);
  for (auto& [name, tensor] : saved) tensor = tensor.cpu();
  auto next = training_on(info, device);
  for (const ModuleGroup& group : next->groups()) group.module->train();
  test::restore(*next, saved);
  return next;
}

// Takes each step of each phase, the last one of a phase in a training resumed for it. `see(training, context, result)`
// is called after each.
template <typename See>
void train_on(c10::Device device, const MethodInfo& info, const See& see) {
  auto training = training_on(info, device);
  std::int64_t of_all = 0;
  for (const Phase& phase : training->phases()) {
    for (std::int64_t step = 0; step < kStepsOfDevicePhase; ++step, ++of_all) {
      if (step == kStepsOfDevicePhase - 1) training = resumed(*training, info, device);
      const StepContext context{.phase = phase.name, .epochs = 1, .step = step, .steps_per_epoch = kStepsOfDevicePhase};
      const Batch batch = batch_on(test::tiny_batch(info, of_all), device);
      const ScopedSeed seed(static_cast<std::uint64_t>(700 + of_all));
      test::reset_traffic();
      const StepResult result = test::take_step(*training, context, batch);
      see(*training, context, result);
    }
  }
}

// Keeps results on the host, by name, after a look at where they were computed.
class Results {
 public:
  explicit Results(c10::Device device) : device_(device) {}
  void add(const std::string& name, const at::Tensor& tensor) {
    if (!tensor.defined()) return;
    INFO(name);
    CHECK(tensor.device() == device_);
    all_[name] = tensor.detach().cpu();
  }
  [[nodiscard]] const TensorMap& all() const noexcept { return all_; }

 private:
  c10::Device device_;
  TensorMap all_;
};

// What is asked of a training beside its steps, on a batch that is there.
void add_uses(Training& training, const MethodInfo& info, const Batch& batch, Results& results) {
  const at::NoGradGuard no_grad;
  const ScopedSeed seed(17);
  if (info.needs.teacher_stages) {
    const ModuleGroup student = training.groups().front();
    const at::Tensor clip = batch.video.narrow(0, 0, 1);
    const ModelOutput seen = std::dynamic_pointer_cast<Model>(student.module)->forward(clip, {false, true});
    const std::vector<at::Tensor> maps = training.teacher_maps(batch.teacher.stages, seen.stages);
    for (std::size_t i = 0; i < maps.size(); ++i) results.add("map " + std::to_string(i), maps[i]);
  }
  const Predictor predictor = training.predictor();
  for (const auto& module : predictor.modules) module->eval();
  const ModelOutput output = predictor.predict(batch);
  results.add("predicted logits", output.logits);
  results.add("predicted embedding", output.embedding);
  for (const auto& [name, signal] : training.clip_signals(batch)) results.add("signal " + name, signal);
  for (const Reconstruction& one : training.reconstructions(batch)) {
    results.add(std::string("rebuilt ") + to_string(one.modality), one.rebuilt);
  }
}

TensorMap results_on(c10::Device device, const MethodInfo& info) {
  Results results(device);
  TensorMap state;
  train_on(device, info, [&](Training& training, const StepContext& context, const StepResult& result) {
    const std::string step = context.phase + " " + std::to_string(std::int64_t{context.step}) + " ";
    for (const LossTerm& term : result.terms) results.add(step + "term " + term.name, term.value);
    for (const Diagnostic& diagnostic : result.diagnostics) results.add(step + diagnostic.name, diagnostic.value);
    state = test::checkpoint_of(training);
    if (context.step == kStepsOfDevicePhase - 1) {
      add_uses(training, info, batch_on(test::tiny_batch(info, 90), device), results);
    }
  });
  TensorMap all = results.all();
  for (const auto& [name, tensor] : state) all.emplace("state " + name, tensor.cpu());
  return all;
}

}  // namespace

TEST_CASE("the other device computes as the host, refuses the host's arrays, and tells what passed between them") {
  if (!other_device_works()) return;
  const at::Tensor here = at::arange(6, at::kFloat).view({2, 3});
  const at::Tensor there = here.to(kOtherDevice);
  CHECK(there.device() == kOtherDevice);
  CHECK(at::equal((there.matmul(there.t()) + 1).cpu(), here.matmul(here.t()) + 1));
  CHECK_THROWS(there + here);
  CHECK_THROWS_WITH(at::mm(there, here.t()), message_contains("given a tensor of the host, [3, 2]"));
  CHECK_NOTHROW(there + at::scalar_tensor(2.0));

  test::reset_traffic();
  at::Tensor target = at::zeros({2, 3}, there.options());
  target.copy_(there).transpose_(0, 1).add_(1);
  CHECK(target.sizes() == at::IntArrayRef({3, 2}));
  CHECK(test::traffic().read.empty());
  CHECK(test::traffic().from_host.empty());
  CHECK(target.sum().item<float>() == 21.0F);
  CHECK(test::traffic().read == std::vector<std::string>{"aten::_local_scalar_dense []"});
  test::reset_traffic();
  target.index_put_({target.gt(2)}, at::zeros({}, there.options()));
  CHECK(target.max().item<float>() == 2.0F);
  CHECK(test::traffic().read ==
        std::vector<std::string>{"aten::_index_put_impl_ [3, 2]", "aten::_local_scalar_dense []"});
  target.copy_(here.t());
  CHECK(test::traffic().from_host == std::vector<std::string>{"aten::_copy_from [3, 2]"});
}

TEST_CASE("every method trains, resumes and predicts on another device, with the results of the host") {
  if (!other_device_works()) return;
  for (const std::string& id : method_registry().names()) {
    INFO(id);
    const MethodInfo& info = method_registry().get(id);
    TensorMap there;
    check_passes([&] { there = results_on(kOtherDevice, info); });
    const TensorMap here = results_on(c10::kCPU, info);
    CHECK(there.size() == here.size());
    for (const auto& [name, tensor] : there) {
      INFO(name);
      CHECK(tensor_error(tensor, here.at(name), 1.0) < 1e-5);
    }
  }
}

TEST_CASE("within an epoch no step reads a value back, and one that can be repeated copies nothing from the host") {
  if (!other_device_works()) return;
  for (const std::string& id : method_registry().names()) {
    INFO(id);
    const MethodInfo& info = method_registry().get(id);
    const auto look = [&](const Training&, const StepContext& context, const StepResult&) {
      if (context.step != 1) return;  // the first may build what it keeps, and the epoch's last may look at it
      const test::Traffic traffic = test::traffic();
      INFO(context.phase << "; read: " << join(traffic.read) << "; from the host: " << join(traffic.from_host));
      CHECK(traffic.read.empty());
      if (info.repeatable_step) CHECK(traffic.from_host.empty());
    };
    check_passes([&] { train_on(kOtherDevice, info, look); });
  }
}

TEST_CASE("every method computes the official vectors on another device") {
  if (!other_device_works()) return;
  std::size_t cases = 0;
  for (const std::string& id : method_registry().names()) {
    for (const auto& [folder, check] : method_registry().get(id).conformance) {
      const std::filesystem::path path = test::vectors_dir() / folder;
      if (!std::filesystem::is_directory(path)) continue;
      const FolderCheck there = case_check(id, check, kOtherDevice);
      for (const auto& entry : std::filesystem::directory_iterator(path)) {
        if (entry.path().extension() != there.extension) continue;
        INFO(id << ": " << folder << "/" << entry.path().filename().string());
        ++cases;
        CaseResult result;
        check_passes([&] { result = there.check(entry.path()); });
        INFO(result.problem);
        CHECK(result.problem.empty());
        CHECK(result.value_error < kConformanceTolerance);
        CHECK(result.gradient_error < kConformanceTolerance);
      }
    }
  }
  CHECK(cases > 50);
}
