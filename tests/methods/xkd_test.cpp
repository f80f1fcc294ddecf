#include "catch.h"
//
#include <ATen/ATen.h>

#include <set>

#include "cmkd/core/error.h"
#include "cmkd/methods/conformance.h"
#include "cmkd/methods/xkd.h"
#include "cmkd/runtime/determinism.h"
#include "gradient_check.h"
#include "paths.h"

using namespace cmkd;

namespace {

// 4 frames of 16 x 16 in 2x8x8 cuboids (8 patches), 8 bands of 12 frames in 4x4 patches (6 patches).
XkdNetworkOptions tiny_xkd_options(XkdVariant variant) {
  const TransformerOptions encoder{6, 2, 3};
  XkdNetworkOptions options;
  options.variant = variant;
  options.video = {Modality::kVideo, {4, 16, 16}, {2, 8, 8}, encoder};
  options.audio = {Modality::kAudio, {8, 12}, {4, 4}, encoder};
  options.decoder = {4, 1, 2};
  options.head = {0, 8, 4, 10};
  return options;
}

std::shared_ptr<XkdNetworks> tiny_xkd(XkdVariant variant) {
  const ScopedSeed seed(5);
  return std::make_shared<XkdNetworks>(tiny_xkd_options(variant));
}

XkdViews tiny_video_views() {
  const auto clip = [](int frames, int side, int salt) {
    return test::noise({3, 3, frames, side, side}, salt).to(at::kFloat);
  };
  return {clip(4, 16, 1), {clip(2, 8, 2), clip(2, 8, 3)}, test::noise({3, 8}, 4).to(at::kFloat), {}};
}

XkdViews tiny_audio_views() {
  const auto sound = [](int frames, int salt) { return test::noise({3, 1, 8, frames}, salt).to(at::kFloat); };
  return {sound(12, 5), {sound(8, 6), sound(8, 7)}, test::noise({3, 6}, 8).to(at::kFloat), {}};
}

XkdStep tiny_step(XkdNetworks& networks, const XkdOptions& options) {
  return xkd_step(networks, tiny_video_views(), tiny_audio_views(), options);
}

double value_of(const XkdStep& step, const std::string& name) { return step.terms.at(name).item<double>(); }

std::set<std::string> names_of_terms(const XkdStep& step) {
  std::set<std::string> names;
  for (const auto& [name, value] : step.terms) names.insert(name);
  return names;
}

const std::set<std::string> kReconstructionTerms{"vid_recon_loss", "aud_recon_loss", "recon_loss"};

}  // namespace

TEST_CASE("XKD's parts and whole steps agree with the official code on every vector") {
  for (const std::string name :
       {"xkd_align", "xkd_distill", "xkd_mmd", "xkd_reconstruction", "xkd_step", "xkd_mas_step", "xkd_mats_step"}) {
    const ConformanceReport report = run_conformance(test::vectors_dir() / name);
    REQUIRE(report.folders.size() == 1);
    const FolderResult& folder = report.folders[0];
    INFO(name << ": values " << folder.value_error << ", gradients " << folder.gradient_error << ", " << folder.detail);
    CHECK(folder.verdict == ConformanceVerdict::kPass);
    CHECK(folder.cases.size() >= 2);
  }
}

TEST_CASE("What XKD's networks share is trained and saved once") {
  // Blocks of width 6: norms 2 · 12, qkv 108, proj 42, fc1 168, fc2 150: 492; two blocks 984.
  constexpr std::int64_t kBlocks = 984;
  // Branch without its blocks: class token 6, norm 12, head 56 + 16 (one norm) + 72 + 36 + 10 + 40 = 230; positions and
  // embedding: video 9 · 6 + 6 · 385 = 2364, audio 7 · 6 + 6 · 17 = 144.
  constexpr std::int64_t kVideo = 6 + 12 + 230 + 2364;
  constexpr std::int64_t kAudio = 6 + 12 + 230 + 144;
  // Decoder of width 4: a block 8 + 48 + 20 + 8 + 80 + 68 = 232, mask token 4, mid 28; positions and output: video
  // 36 + 384 · 5 = 1956, audio 28 + 16 · 5 = 108.
  constexpr std::int64_t kDecoders = 2 * (232 + 4 + 28) + 1956 + 108;
  for (const auto& [variant, encoders, trained_encoders] :
       {std::tuple{XkdVariant::kSpecific, 4, 2}, std::tuple{XkdVariant::kSharedStudent, 3, 1},
        std::tuple{XkdVariant::kSharedBackbones, 2, 1}}) {
    const auto networks = tiny_xkd(variant);
    std::int64_t saved = 0;
    for (const auto& [name, tensor] : state_of(*networks)) saved += tensor.numel();
    CHECK(saved == encoders * kBlocks + 2 * (kVideo + kAudio) + kDecoders + 2 * 10);  // and two centres
    std::int64_t trained = 0;
    const std::vector<at::Tensor> parameters = unique_parameters(*networks);
    for (const at::Tensor& parameter : parameters) trained += parameter.numel();
    CHECK(trained == trained_encoders * kBlocks + kVideo + kAudio - 2 * 10 + kDecoders);  // weight_g is not trained
    CHECK(parameters.size() < networks->parameters().size());
    CHECK_FALSE(state_of(*networks).contains("vid_student.head.mlp.4.weight"));
  }
}

TEST_CASE("A shared LayerNorm of the head gets the gradient of both of its uses") {
  const ScopedSeed seed(1);
  ProjectorHead head({3, 5, 2, 4});
  CHECK(head.named_parameters()["mlp.1.weight"].is_same(head.named_parameters()["mlp.4.weight"]));
  CHECK_FALSE(head.named_parameters()["last_layer.weight_g"].requires_grad());
  const at::Tensor output = head.forward(test::noise({6, 3}, 2).to(at::kFloat));
  CHECK(output.sizes() == at::IntArrayRef({6, 4}));
  CHECK(output.mean(1).abs().max().item<double>() < 1e-5);  // the last norm has no affine part
}

TEST_CASE("The total is the weighted mean of the terms, and its gradient is that of the loss terms") {
  const auto networks = tiny_xkd(XkdVariant::kSpecific);
  const XkdStep step = tiny_step(*networks, {});
  const double total =
      (value_of(step, "alignment_loss") + value_of(step, "cmkd_loss") + 5 * value_of(step, "recon_loss")) / 7;
  CHECK(step.total.item<double>() == Approx(total).epsilon(1e-5));
  double sum = 0;
  for (const LossTerm& loss : step.losses) sum += loss.weight * loss.value.item<double>();
  CHECK(sum == Approx(total).epsilon(1e-5));
  route_gradients(step.losses, {{"student", networks, 1.0, std::nullopt, {}}}, "main");
  for (const at::Tensor& parameter : unique_parameters(*networks)) CHECK(parameter.grad().defined());
  for (const at::Tensor& parameter : networks->vid_teacher->parameters()) CHECK_FALSE(parameter.grad().defined());
}

TEST_CASE("A step changes no state; centres and teachers move when they are told to") {
  const auto networks = tiny_xkd(XkdVariant::kSpecific);
  const std::string before = fingerprint(state_of(*networks));
  const XkdStep step = tiny_step(*networks, {});
  CHECK(fingerprint(state_of(*networks)) == before);
  update_centers(*networks, step, 0.9);
  CHECK(at::allclose(networks->vt2as_ce_loss->value(), step.video_teacher.mean(0, true) * 0.1, 1e-4, 1e-6));
  CHECK(at::allclose(networks->at2vs_ce_loss->value(), step.audio_teacher.mean(0, true) * 0.1, 1e-4, 1e-6));
}

TEST_CASE("Teachers begin as their students; a shared backbone is averaged twice a step") {
  for (const XkdVariant variant : {XkdVariant::kSpecific, XkdVariant::kSharedBackbones}) {
    const auto networks = tiny_xkd(variant);
    const at::Tensor teacher = networks->vid_teacher->named_parameters()["backbone.encoder.blocks.0.mlp.fc1.bias"];
    const at::Tensor student = networks->vid_student->named_parameters()["backbone.encoder.blocks.0.mlp.fc1.bias"];
    CHECK(at::equal(teacher, student));
    CHECK_FALSE(teacher.is_same(student));
    const at::NoGradGuard no_grad;
    at::Tensor(student).fill_(1.0);
    networks->update_teachers(0.75);
    // ¾ · 0 + ¼ · 1 = ¼; once more: ¾ · ¼ + ¼ = 7/16
    CHECK(teacher[0].item<double>() == Approx(variant == XkdVariant::kSpecific ? 0.25 : 0.4375));
  }
}

TEST_CASE("Each loss of XKD can be switched off, and the total is the mean of what is left") {
  const auto networks = tiny_xkd(XkdVariant::kSharedStudent);
  XkdOptions options;
  options.alignment_weight = options.distillation_weight = 0;
  XkdStep step = tiny_step(*networks, options);
  CHECK(names_of_terms(step) == kReconstructionTerms);
  CHECK(step.total.item<double>() == Approx(value_of(step, "recon_loss")));
  CHECK_FALSE(step.video_teacher.defined());
  options = {};
  options.reconstruction_weight = 0;
  step = tiny_step(*networks, options);
  CHECK_FALSE(step.terms.contains("recon_loss"));
  CHECK(step.total.item<double>() ==
        Approx((value_of(step, "alignment_loss") + value_of(step, "cmkd_loss")) / 2).epsilon(1e-5));
  options.alignment_weight = options.distillation_weight = 0;
  CHECK_THROWS_AS(tiny_step(*networks, options), Error);
}

TEST_CASE("Distillation in one direction keeps the other direction's term out and moves one student by it") {
  const auto networks = tiny_xkd(XkdVariant::kSpecific);
  XkdOptions options;
  options.alignment_weight = options.reconstruction_weight = 0;
  options.direction = XkdDirection::kVideoToAudio;
  const XkdStep step = tiny_step(*networks, options);
  CHECK(names_of_terms(step) == std::set<std::string>{"vt2as_kd_loss", "cmkd_loss"});
  CHECK(value_of(step, "cmkd_loss") == value_of(step, "vt2as_kd_loss"));
  route_gradients(step.losses, {{"student", networks, 1.0, std::nullopt, {}}}, "main");
  CHECK(networks->aud_student->named_parameters()["head.mlp.0.weight"].grad().defined());
  CHECK_FALSE(networks->vid_student->named_parameters()["head.mlp.0.weight"].grad().defined());
  CHECK_THROWS_AS((void)parse_named<XkdDirection>("audio", "direction"), Error);
}

TEST_CASE(
    "The teacher's view and the attention's mode change what the teachers say, and nothing of the reconstruction") {
  const auto networks = tiny_xkd(XkdVariant::kSpecific);
  const XkdStep base = tiny_step(*networks, {});
  XkdOptions first_local;
  first_local.teacher_view = TeacherView::kFirstLocal;
  XkdOptions off;
  off.cross_attention = CrossAttentionMode::kOff;
  XkdOptions softmax;
  softmax.cross_attention = CrossAttentionMode::kSoftmax;
  for (const XkdOptions& options : {first_local, off, softmax}) {
    const XkdStep other = tiny_step(*networks, options);
    CHECK_FALSE(at::equal(other.video_teacher, base.video_teacher));
    CHECK(value_of(other, "recon_loss") == value_of(base, "recon_loss"));
  }
  XkdViews video = tiny_video_views();
  video.teacher = video.locals.front();
  XkdViews audio = tiny_audio_views();
  audio.teacher = audio.locals.front();
  CHECK(
      at::equal(xkd_step(*networks, video, audio, {}).video_teacher, tiny_step(*networks, first_local).video_teacher));
  video.locals.clear();
  audio.locals.clear();
  CHECK(xkd_step(*networks, video, audio, {}).total.isfinite().item<bool>());
}

TEST_CASE("A state dict of the official code loads, with its repeated names") {
  for (const XkdVariant variant : {XkdVariant::kSpecific, XkdVariant::kSharedBackbones}) {
    const auto source = tiny_xkd(variant);
    TensorMap official;
    for (const auto& item : source->named_parameters()) official.emplace(item.key(), item.value().detach() * 2 + 1);
    for (const auto& item : source->named_buffers()) official.emplace(item.key(), item.value() + 3);
    for (const std::string side : {"vid", "aud"})
      add_with_prefix(official, side + "_ae.encoder.", with_prefix(official, side + "_student.backbone."));
    const auto target = tiny_xkd(variant);
    target->load_official(official, "a test");
    for (const auto& item : target->named_parameters()) CHECK(at::equal(item.value(), official.at(item.key())));
    CHECK(target->at2vs_ce_loss->value()[0][0].item<double>() == 3.0);
    official.erase("aud_ae.mask_token");
    CHECK_THROWS_AS(target->load_official(official, "a test"), Error);
  }
}

TEST_CASE("Encoders of different shapes are refused") {
  XkdNetworkOptions options = tiny_xkd_options(XkdVariant::kSpecific);
  options.audio.encoder.heads = 2;
  CHECK_THROWS_AS(XkdNetworks(options), Error);
  CHECK_THROWS_AS((void)parse_named<XkdVariant>("xkd_max", "variant of XKD"), Error);
}
