#include "catch.h"
// Catch first: c10 and Catch2 both define CHECK.
#include <ATen/Functions.h>

#include <cmath>

#include "cmkd/core/error.h"
#include "cmkd/models/load_weights.h"
#include "cmkd/models/masked_autoencoder.h"
#include "cmkd/models/position_grid.h"
#include "cmkd/models/projector_head.h"
#include "cmkd/models/vit.h"
#include "cmkd/runtime/determinism.h"
#include "cmkd/runtime/tensors.h"

namespace {

using namespace cmkd;

using Shapes = std::map<std::string, std::vector<std::int64_t>>;

// Names and shapes of the official state dicts, written down from the vector files and the paper's widths.
void add_blocks(Shapes& shapes, const std::string& prefix, std::int64_t width, std::int64_t depth) {
  for (std::int64_t i = 0; i < depth; ++i) {
    const std::string block = prefix + "blocks." + std::to_string(i) + ".";
    for (const std::string norm : {"norm1", "norm2"})
      shapes[block + norm + ".weight"] = shapes[block + norm + ".bias"] = {width};
    shapes[block + "attn.qkv.weight"] = {3 * width, width};
    shapes[block + "attn.proj.weight"] = {width, width};
    shapes[block + "attn.proj.bias"] = {width};
    shapes[block + "mlp.fc1.weight"] = {4 * width, width};
    shapes[block + "mlp.fc1.bias"] = {4 * width};
    shapes[block + "mlp.fc2.weight"] = {width, 4 * width};
    shapes[block + "mlp.fc2.bias"] = {width};
  }
}

Shapes backbone_shapes(const std::string& embed, std::int64_t width, std::int64_t patches, std::int64_t values) {
  Shapes shapes{{"cls_token", {1, 1, width}},
                {"enc_pos_embed", {1, 1 + patches, width}},
                {embed + ".proj.weight", {width, values}},
                {embed + ".proj.bias", {width}},
                {"encoder_norm.weight", {width}},
                {"encoder_norm.bias", {width}}};
  add_blocks(shapes, "encoder.", width, 12);
  return shapes;
}

Shapes decoder_shapes(std::int64_t patches, std::int64_t values) {
  Shapes shapes{{"dec_pos_embed", {1, 1 + patches, 384}}, {"mask_token", {1, 1, 384}},
                {"mid_proj.weight", {384, 768}},          {"mid_proj.bias", {384}},
                {"out_proj.weight", {values, 384}},       {"out_proj.bias", {values}}};
  add_blocks(shapes, "decoder.", 384, 4);
  return shapes;
}

// Tensors by formula: another value in each.
TensorMap state_by_formula(const Shapes& shapes, const std::string& prefix = "") {
  TensorMap state;
  for (const auto& [name, shape] : shapes)
    state.emplace(prefix + name, at::full(shape, std::sin(static_cast<double>(state.size())), at::kFloat));
  return state;
}

// Loads whole, under the very names; returns the number of values.
std::int64_t load_by_formula(torch::nn::Module& module, const Shapes& shapes) {
  const TensorMap state = state_by_formula(shapes);
  load_state(module, state, "a formula");
  std::int64_t values = 0;
  for (const auto& [name, tensor] : state_of(module)) {
    values += tensor.numel();
    CHECK(tensor.flatten()[0].item<float>() == state.at(name).flatten()[0].item<float>());
  }
  return values;
}

at::Tensor wave(at::IntArrayRef shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  return (at::arange(count, at::kFloat) * 0.37).sin().view(shape);
}

VitOptions small_video() { return {Modality::kVideo, {4, 16, 16}, {2, 4, 4}, {12, 2, 3}}; }
VitOptions small_audio() { return {Modality::kAudio, {16, 32}, {4, 8}, {12, 2, 3}}; }

}  // namespace

TEST_CASE("positions on another grid are PyTorch's trilinear and bicubic interpolation with DINO's scale") {
  // An axis of the same length is copied: PyTorch's linear kernel does so whatever the scale.
  const auto scale = [](std::int64_t to, std::int64_t from) {
    return to == from ? 1.0 : (static_cast<double>(to) + 0.1) / static_cast<double>(from);
  };
  const auto error = [](const at::Tensor& table, const at::Tensor& matrix, const at::Tensor& expected) {
    const at::Tensor given = at::matmul(table.flatten(2), matrix.transpose(0, 1)).view(expected.sizes());
    return (given - expected).abs().max().item<double>();
  };
  using Grid = std::vector<std::int64_t>;
  for (const Grid& to : {Grid{2, 6, 6}, Grid{8, 7, 5}, Grid{8, 14, 14}, Grid{1, 1, 1}}) {
    const at::Tensor table = wave({1, 3, 8, 7, 7}).to(at::kDouble);
    const at::Tensor expected =
        at::upsample_trilinear3d(table, to, /*align_corners=*/false, scale(to[0], 8), scale(to[1], 7), scale(to[2], 7));
    CHECK(error(table, position_matrix({8, 7, 7}, to, GridInterpolation::kLinear), expected) < 1e-12);
  }
  for (const Grid& to : {Grid{20, 7}, Grid{20, 40}, Grid{10, 28}, Grid{20, 1}, Grid{7, 9}}) {
    const at::Tensor table = wave({1, 3, 20, 28}).to(at::kDouble);
    const at::Tensor expected =
        at::upsample_bicubic2d(table, to, /*align_corners=*/false, scale(to[0], 20), scale(to[1], 28));
    CHECK(error(table, position_matrix({20, 28}, to, GridInterpolation::kCubic), expected) < 1e-12);
  }
  CHECK(at::equal(position_matrix({2, 3}, {2, 3}, GridInterpolation::kCubic), at::eye(6, at::kDouble)));
}

TEST_CASE("patches are flattened as time, height, width, channel") {
  // A value that names its place: 1000 c + 100 t + 10 y + x.
  const at::Tensor c = at::arange(3, at::kFloat).view({1, 3, 1, 1, 1}) * 1000;
  const at::Tensor t = at::arange(4, at::kFloat).view({1, 1, 4, 1, 1}) * 100;
  const at::Tensor y = at::arange(4, at::kFloat).view({1, 1, 1, 4, 1}) * 10;
  const at::Tensor patches = split_patches(c + t + y + at::arange(6, at::kFloat), {2, 2, 3});
  CHECK(patches.sizes() == at::IntArrayRef({1, 8, 36}));
  // Patch (t 1, y 0, x 1) is number 5: it begins at t 2, y 0, x 3; next the channels, then x 4.
  CHECK(at::equal(patches[0][5].narrow(0, 0, 4), at::tensor({203.0F, 1203.0F, 2203.0F, 204.0F})));
  CHECK(patches[0][5][35].item<float>() == 2315.0F);  // the last: c 2, t 3, y 1, x 5
  CHECK_THROWS_AS(split_patches(wave({1, 3, 4, 4, 5}), {2, 2, 3}), Error);
}

TEST_CASE("the kept patches are the first of the noise's order, and restore undoes the order") {
  const at::Tensor noise = at::tensor({0.5F, 0.1F, 0.9F, 0.3F, 0.7F}).view({1, 5});
  const PatchMask mask = mask_patches(noise, 0.5);  // round(2.5) = 2, to even
  CHECK(at::equal(mask.kept, at::tensor({1, 3}, at::kLong).view({1, 2})));
  CHECK(at::equal(mask.masked, at::tensor({1.0F, 0.0F, 1.0F, 0.0F, 1.0F}).view({1, 5})));
  // In (1, 3, 0, 4, 2): patch 0 is third, patch 1 first, 2 last, 3 second, 4 fourth.
  CHECK(at::equal(mask.restore, at::tensor({2, 0, 4, 1, 3}, at::kLong).view({1, 5})));
  // XKD's: 392 cuboids at 0.85: round(58.8); 560 patches at 0.8: round(112).
  CHECK(mask_patches(wave({1, 392}), 0.85).kept.size(1) == 59);
  CHECK(mask_patches(wave({1, 560}), 0.80).kept.size(1) == 112);
  CHECK(mask_patches(noise, 1.0).kept.size(1) == 1);
}

TEST_CASE("masked patches do not reach the encoder, and it has fewer tokens the more are masked") {
  const ScopedSeed seed(1);
  VitBackbone backbone(small_video());
  const at::Tensor clip = wave({2, 3, 4, 16, 16});
  const at::Tensor noise = wave({2, 32}) + at::arange(32, at::kFloat) * 1e-3;
  std::int64_t tokens = 34;
  for (const double ratio : {0.0, 0.25, 0.5, 0.9}) {
    const PatchMask mask = mask_patches(noise, ratio);
    const at::Tensor encoded = backbone.forward_kept(clip, mask.kept);
    CHECK(encoded.size(1) == 1 + mask.kept.size(1));
    CHECK(encoded.size(1) < tokens);
    tokens = encoded.size(1);
    // The same clip with other contents in the masked patches: 2x4x4 blocks of the mask, on the clip's grid.
    const at::Tensor where =
        mask.masked.view({2, 1, 2, 4, 4}).repeat_interleave(2, 2).repeat_interleave(4, 3).repeat_interleave(4, 4);
    CHECK(at::equal(backbone.forward_kept(clip + 5 * where, mask.kept), encoded));
  }
  const PatchMask all = mask_patches(noise, 0.0);
  const at::Tensor in_order = take_rows(backbone.forward_kept(clip, all.kept).narrow(1, 1, 32), all.restore);
  CHECK(at::allclose(in_order, backbone.forward(clip).narrow(1, 1, 32), 1e-4, 1e-5));
}

TEST_CASE("the attention of the class token is that of the last block, and the features are the plain ones") {
  const ScopedSeed seed(2);
  for (const VitOptions& options : {small_video(), small_audio()}) {
    VitBackbone backbone(options);
    const bool video = options.modality == Modality::kVideo;
    const at::Tensor input = video ? wave({2, 3, 2, 8, 16}) : wave({2, 1, 16, 16});  // other sizes than its positions'
    const AttendedFeatures attended = backbone.forward_attended(input);
    CHECK(attended.attention.sizes() == at::IntArrayRef({2, 3, 8}));
    CHECK(attended.attention.min().item<float>() > 0);
    CHECK(attended.attention.sum(2).max().item<float>() < 1);
    CHECK(at::allclose(attended.features, backbone.forward(input), 1e-5, 1e-6));
  }
}

TEST_CASE("the decoder rebuilds every patch, of its own size only") {
  const ScopedSeed seed(3);
  MaskedDecoder decoder({12, 16, 32, {8, 1, 2}});
  const PatchMask mask = mask_patches(wave({2, 16}), 0.75);
  CHECK(decoder.forward(wave({2, 5, 12}), mask.restore).sizes() == at::IntArrayRef({2, 16, 32}));
  CHECK_THROWS_AS(decoder.forward(wave({2, 5, 12}), mask.restore.narrow(1, 0, 8)), Error);
  // Equal widths need no projection, and the official code then has none.
  CHECK_FALSE(state_of(MaskedDecoder({8, 16, 32, {8, 1, 2}})).contains("mid_proj.weight"));
}

TEST_CASE("the base networks take state dicts of the official names and shapes, and have as many parameters") {
  const ScopedSeed seed(4);
  // A block of width D: norms 4 D, qkv 3 D², proj D² + D, fc1 4 D² + 4 D, fc2 4 D² + D: 12 D² + 10 D. D = 768:
  // 7,085,568, twelve of them 85,026,816. Beside them: class token 768, norm 1536, positions (1 + L) 768, embedding
  // 768 (P + 1).
  {
    VitBackbone video(VitOptions::xkd(Modality::kVideo, vit_encoder("base")));
    // L = 8 · 7 · 7 = 392, P = 3 · 4 · 16 · 16 = 3072: 301,824 + 2,360,064
    CHECK(load_by_formula(video, backbone_shapes("cuboid_embed", 768, 392, 3072)) == 87'691'008);
  }
  {
    VitBackbone audio(VitOptions::xkd(Modality::kAudio, vit_encoder("base")));
    // L = 20 · 28 = 560, P = 4 · 16 = 64: 430,848 + 49,920
    CHECK(load_by_formula(audio, backbone_shapes("patch_embed", 768, 560, 64)) == 85'509'888);
  }
  // Decoder: four blocks of width 384, 1,773,312 each; mask token 384, mid 295,296, positions and output: video 150,912
  // + 1,182,720, audio 215,424 + 24,640.
  MaskedDecoder video({768, 392, 3072, {384, 4, 12}});
  CHECK(load_by_formula(video, decoder_shapes(392, 3072)) == 8'722'560);
  MaskedDecoder audio({768, 560, 64, {384, 4, 12}});
  CHECK(load_by_formula(audio, decoder_shapes(560, 64)) == 7'628'992);
  // Head: 768 · 2048 + 2048 + 4096 (one norm) + 2048² + 2048 + 2048 · 256 + 256 + 8192 + 8192 · 256
  ProjectorHead head({});
  const Shapes head_shapes{{"mlp.0.weight", {2048, 768}},      {"mlp.0.bias", {2048}},
                           {"mlp.1.weight", {2048}},           {"mlp.1.bias", {2048}},
                           {"mlp.3.weight", {2048, 2048}},     {"mlp.3.bias", {2048}},
                           {"mlp.6.weight", {256, 2048}},      {"mlp.6.bias", {256}},
                           {"last_layer.weight_g", {8192, 1}}, {"last_layer.weight_v", {8192, 256}}};
  CHECK(load_by_formula(head, head_shapes) == 8'405'248);
}

TEST_CASE("official weights of XKD load into the registered models, the classifier apart") {
  ModelConfig config;
  config.classes = 5;
  config.frames = 32;
  config.height = config.width = 112;
  config.sample_rate = 16000;
  config.samples = 64000;  // 1 + 64000 / 143 = 448 frames
  for (const std::string id : {"video_vit_tiny", "audio_vit_tiny"}) {
    INFO(id);
    const bool video = id == "video_vit_tiny";
    const ModelInfo& info = model_registry().get(id);
    config.parameters = Parameters(info.parameters);
    const auto model = info.make(config);
    WeightFile file;
    file.path = "xkd.pth";
    file.tensors = state_by_formula(
        video ? backbone_shapes("cuboid_embed", 192, 392, 3072) : backbone_shapes("patch_embed", 192, 560, 64),
        "vid_student.backbone.");
    LoadOptions options;
    options.classifier = ClassifierWeights::kSkip;
    const WeightsReport report = load_weights(*model, file, options);
    CHECK(report.complete());
    CHECK(report.skipped == std::vector<std::string>{"fc.bias", "fc.weight"});
    CHECK(report.prefix == "vid_student.backbone.");
  }
}

TEST_CASE("a vision transformer of the suites' small clips has patches of their size, and refuses others with advice") {
  const ModelInfo& info = model_registry().get("video_vit_tiny");
  ModelConfig config;
  config.classes = 3;
  config.frames = 4;
  config.height = config.width = 16;
  config.parameters = Parameters(info.parameters);
  config.parameters.set("patch_size", std::int64_t{8});
  config.parameters.set("patch_frames", std::int64_t{2});
  config.parameters.set("depth", std::int64_t{2});
  const auto model = info.make(config);
  const ModelOutput output = model->forward(wave({2, 3, 4, 16, 16}), {true, true});
  CHECK(output.tokens.sizes() == at::IntArrayRef({2, 8, 192}));
  REQUIRE(output.stages.size() == 2);  // of two blocks
  CHECK(output.stages[1].sizes() == at::IntArrayRef({2, 192, 2, 2, 2}));
  CHECK(at::equal(output.stages[1].flatten(2).transpose(1, 2), output.tokens));
  // Another size of clip, as at test: its positions are interpolated.
  CHECK(model->forward(wave({2, 3, 4, 24, 24}), {true, false}).tokens.size(1) == 18);
  config.parameters.set("patch_size", std::int64_t{5});
  CHECK_THROWS_WITH(info.make(config), message_contains("patches of 2 x 5 x 5 do not tile an input of 4 x 16 x 16"));
}

TEST_CASE("Patches joined are the input that was split, whatever the axes") {
  const at::Tensor video = at::arange(2 * 3 * 4 * 6 * 8, at::kFloat).view({2, 3, 4, 6, 8});
  CHECK(at::equal(join_patches(split_patches(video, {2, 3, 4}), {2, 2, 2}, {2, 3, 4}, 3), video));
  const at::Tensor sound = at::arange(2 * 8 * 12, at::kFloat).view({2, 1, 8, 12});
  CHECK(at::equal(join_patches(split_patches(sound, {4, 6}), {2, 2}, {4, 6}, 1), sound));
  CHECK_THROWS_AS(join_patches(split_patches(sound, {4, 6}), {2, 3}, {4, 6}, 1), Error);
}
