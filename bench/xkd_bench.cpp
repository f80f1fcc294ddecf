// XKD on tiny transformers, one thread: whole steps of the three variants and of the masked autoencoder alone, and what
// hidden patches save.
#include <ATen/Functions.h>
#include <fmt/format.h>
#include <torch/nn/module.h>

#include <cmath>
#include <map>
#include <optional>

#include "bench.h"
#include "cmkd/harness/training_step.h"
#include "cmkd/methods/xkd.h"
#include "cmkd/methods/xkd_views.h"
#include "cmkd/models/model.h"
#include "cmkd/runtime/determinism.h"
#include "cmkd/runtime/tensors.h"
#include "peak_memory.h"

namespace cmkd::bench {

namespace {

constexpr std::int64_t kXkdBatch = 16;
constexpr std::int64_t kXkdSamples = 16000;

std::shared_ptr<Model> bench_vit(Modality modality) {
  const ModelInfo& info = model_registry().get(modality == Modality::kVideo ? "video_vit_tiny" : "audio_vit_tiny");
  ModelConfig config;
  config.classes = 10;
  config.frames = 8;
  config.height = config.width = 56;
  config.sample_rate = 16000;
  config.samples = kXkdSamples;
  config.parameters = Parameters(info.parameters);
  config.parameters.set("depth", std::int64_t{4});
  if (modality == Modality::kVideo) {
    config.parameters.set("patch_frames", std::int64_t{2});
    config.parameters.set("patch_size", std::int64_t{8});
  }
  const ScopedSeed seed(modality == Modality::kVideo ? 1 : 2);
  return info.make(config);
}

// As the harness drives it: backward, clipping, optimiser, centres and teachers.
class XkdDriver {
 public:
  explicit XkdDriver(const std::string& method) {
    const MethodInfo& info = method_registry().get(method);
    TrainingSetup setup;
    setup.student = bench_vit(Modality::kVideo);
    setup.other = bench_vit(Modality::kAudio);
    setup.student_shape = setup.student->shape();
    setup.classes = 10;
    setup.parameters = Parameters(info.parameters);
    for (const auto& [name, value] : std::map<std::string, std::int64_t>{{"decoder_width", 96},
                                                                         {"decoder_heads", 3},
                                                                         {"head_hidden", 256},
                                                                         {"head_bottleneck", 64},
                                                                         {"head_out", 1024}}) {
      if (setup.parameters.values().contains(name)) setup.parameters.set(name, value);
    }
    const ScopedSeed seed(3);
    training_ = info.make(setup);
    optimizers_ = std::make_unique<GroupOptimizers>(training_->groups(), OptimizerOptions{OptimizerKind::kAdamW});
    batch_.video = at::randn({kXkdBatch, 3, 8, 56, 56});
    batch_.audio = at::randn({kXkdBatch, kXkdSamples}) * 0.1;
    batch_.labels = at::full({kXkdBatch}, -1, at::kLong);
    context_.epochs = 1000;
    context_.steps_per_epoch = 50;
  }

  void step() {
    const ScopedSeed seed(static_cast<std::uint64_t>(context_.step));
    StepRules rules;
    rules.rate = {1e-4, 1.0};
    const StepResult result = StepTaker(*training_, *optimizers_).take(context_, batch_, rules);
    context_.step = context_.step + 1;
    context_.epoch = context_.step / context_.steps_per_epoch;
    terms_ = result.terms;
  }

  [[nodiscard]] bool is_right() const {
    bool right = !terms_.empty();
    for (const LossTerm& term : terms_) right = right && std::isfinite(term.value.item<double>());
    return right;
  }

 private:
  std::unique_ptr<Training> training_;
  std::unique_ptr<GroupOptimizers> optimizers_;
  Batch batch_;
  StepContext context_;
  std::vector<LossTerm> terms_;
};

void xkd_training_step(benchmark::State& state, const std::string& method) {
  XkdDriver driver(method);
  driver.step();
  verify(driver.is_right(), "a term of " + method + " is not finite");
  for (auto _ : state) driver.step();
  state.SetItemsProcessed(state.iterations() * kXkdBatch);
  static std::map<std::string, std::optional<double>> peaks;  // by method: measured once, not for each repetition
  if (!peaks.contains(method)) peaks[method] = peak_in_own_process(kXkdStep + method, 1);
  if (peaks[method]) state.counters["peak_bytes"] = *peaks[method];
}

// Forward and backward of the encoder on the patches that are kept. Verified: what is hidden changes nothing.
void masked_encoder(benchmark::State& state, double ratio) {
  const ScopedSeed seed(4);
  VitOptions options{Modality::kVideo, {8, 56, 56}, {2, 8, 8}, vit_encoder("tiny")};
  options.encoder.depth = 4;
  VitBackbone backbone(options);
  const at::Tensor input = at::randn({kXkdBatch, 3, 8, 56, 56});
  const PatchMask mask = mask_patches(at::rand({kXkdBatch, options.patches()}), ratio);
  {
    const at::NoGradGuard no_grad;
    at::Tensor patches = backbone.patches(input).clone();
    patches.masked_fill_(mask.masked.gt(0).unsqueeze(2), 7.0);
    const at::Tensor other = join_patches(patches, options.patch_grid(), options.patch, 3);
    verify(at::equal(backbone.forward_kept(input, mask.kept), backbone.forward_kept(other, mask.kept)),
           "hidden patches reach the encoder");
  }
  const std::vector<at::Tensor> parameters = unique_parameters(backbone);
  for (auto _ : state) {
    for (const at::Tensor& parameter : parameters) parameter.mutable_grad() = at::Tensor();
    backbone.forward_kept(input, mask.kept).square().mean().backward();
  }
  state.SetItemsProcessed(state.iterations() * kXkdBatch);
}

// The parts of a step by themselves, forward only: what is left of the whole is the backward pass, clipping, optimiser
// and moving averages.
class XkdParts {
 public:
  XkdParts() : video_(bench_vit(Modality::kVideo)), audio_(bench_vit(Modality::kAudio)) {
    const ScopedSeed seed(5);
    XkdNetworkOptions options;
    options.video = vit_of(video_).vit_options();
    options.audio = vit_of(audio_).vit_options();
    options.decoder = {96, 4, 3};
    options.head = {0, 256, 64, 1024};
    networks_ = std::make_shared<XkdNetworks>(options);
    frames_ = at::randn({kXkdBatch, 3, 8, 56, 56});
    sound_ = at::randn({kXkdBatch, kXkdSamples}) * 0.1;
    views();
    students();
  }

  void views() {
    const at::NoGradGuard no_grad;
    video_views_ = xkd_video_views(frames_, vit_of(video_).vit_options(), {});
    audio_views_ = xkd_audio_views(sound_, vit_of(audio_), {});
    video_mask_ = mask_patches(at::rand({kXkdBatch, vit_of(video_).vit_options().patches()}), 0.85);
    audio_mask_ = mask_patches(at::rand({kXkdBatch, vit_of(audio_).vit_options().patches()}), 0.80);
  }

  void students() {
    video_encoded_ = networks_->vid_student->backbone->forward_kept(video_views_[0], video_mask_.kept);
    audio_encoded_ = networks_->aud_student->backbone->forward_kept(audio_views_[0], audio_mask_.kept);
    last_ = networks_->vid_student->backbone->forward(video_views_[1]).sum() +
            networks_->aud_student->backbone->forward(audio_views_[1]).sum();
  }

  void teachers() {
    const at::NoGradGuard no_grad;
    const AttendedFeatures seen = networks_->vid_teacher->backbone->forward_attended(video_views_[0]);
    const AttendedFeatures heard = networks_->aud_teacher->backbone->forward_attended(audio_views_[0]);
    const CrossAttention cross = cross_attention(seen.attention, heard.attention, CrossAttentionMode::kMean);
    last_ = align_features(without_class_token(seen.features), cross.video).sum() +
            align_features(without_class_token(heard.features), cross.audio).sum();
  }

  void decoders() {
    last_ = networks_->vid_ae->forward(video_encoded_, video_mask_.restore).sum() +
            networks_->aud_ae->forward(audio_encoded_, audio_mask_.restore).sum();
  }

  [[nodiscard]] bool is_right() const { return std::isfinite(last_.item<double>()); }

 private:
  static VitModel& vit_of(const std::shared_ptr<Model>& model) { return dynamic_cast<VitModel&>(*model); }

  std::shared_ptr<Model> video_;
  std::shared_ptr<Model> audio_;
  std::shared_ptr<XkdNetworks> networks_;
  at::Tensor frames_;
  at::Tensor sound_;
  std::vector<at::Tensor> video_views_;
  std::vector<at::Tensor> audio_views_;
  PatchMask video_mask_;
  PatchMask audio_mask_;
  at::Tensor video_encoded_;
  at::Tensor audio_encoded_;
  at::Tensor last_;
};

void xkd_part(benchmark::State& state, const std::string& name, void (XkdParts::*part)()) {
  XkdParts parts;
  (parts.*part)();
  verify(parts.is_right(), "a part of XKD's step is not finite: " + name);
  for (auto _ : state) {
    const ScopedSeed seed(6);
    (parts.*part)();
  }
  state.SetItemsProcessed(state.iterations() * kXkdBatch);
}

}  // namespace

std::optional<double> xkd_peak(const std::string& name) {
  const std::string method = name.substr(kXkdStep.size());
  (void)method_registry().get(method, "--peak-of=" + name);
  return peak_above_now([&] {
    XkdDriver driver(method);
    driver.step();
    driver.step();
  });
}

void register_xkd() {
  for (const auto& [name, part] :
       {std::pair<std::string, void (XkdParts::*)()>{"views and spectrograms", &XkdParts::views},
        {"students' encoders, forward", &XkdParts::students},
        {"teachers and cross-modal attention", &XkdParts::teachers},
        {"decoders, forward", &XkdParts::decoders}}) {
    benchmark::RegisterBenchmark((kXkdPart + name).c_str(), xkd_part, name, part)->Unit(benchmark::kMillisecond);
  }
  for (const std::string method : {"xkd", "xkd_mas", "xkd_mats", "mae"}) {
    benchmark::RegisterBenchmark((kXkdStep + method).c_str(), xkd_training_step, method)->Unit(benchmark::kMillisecond);
  }
  for (const auto& [ratio, name] :
       {std::pair{0.0, kEncoderWhole}, std::pair{0.5, kEncoderHalf}, std::pair{0.85, kEncoderMasked}}) {
    benchmark::RegisterBenchmark(name, masked_encoder, ratio)->Unit(benchmark::kMillisecond);
  }
}

}  // namespace cmkd::bench
