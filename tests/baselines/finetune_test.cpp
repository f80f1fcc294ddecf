// finetune: rates by layer, what a step sees, and weights of a kept pretraining.
#include "catch.h"
//
#include <array>
#include <set>

#include "cmkd/core/error.h"
#include "cmkd/methods/losses.h"
#include "cmkd/models/load_weights.h"
#include "tiny.h"

using namespace cmkd;

namespace {

const MethodInfo& finetune() { return method_registry().get("finetune"); }

using Values = std::map<std::string, ParameterValue>;

// Everything off.
const Values kPlain{{"mixup", 0.0},
                    {"label_smoothing", 0.0},
                    {"augment_operations", std::int64_t{0}},
                    {"volume", 0.0},
                    {"time_masks", std::int64_t{0}},
                    {"band_masks", std::int64_t{0}},
                    {"erasing", 0.0},
                    {"layer_decay", 1.0}};

std::unique_ptr<Training> finetuning_of(const std::shared_ptr<Model>& student, const Values& values,
                                        bool multi_label = false) {
  TrainingSetup setup = test::tiny_setup(finetune(), student);
  for (const auto& [name, value] : values) setup.parameters.set(name, value);
  setup.multi_label = multi_label;
  return finetune().make(setup);
}

// With the sizes that the tiny transformers take, and sound.
Batch batch_of_both(std::int64_t step) {
  MethodInfo both = finetune();
  both.needs.both_inputs = true;
  return test::tiny_batch(both, step);
}

double loss_of(Training& training, const Batch& batch) {
  const ScopedSeed seed(5);
  return training.step(StepContext{}, batch).terms.at(0).value.item<double>();
}

std::shared_ptr<Model> small_model(const std::string& id) {
  const ModelInfo& info = model_registry().get(id);
  ModelConfig config;
  config.classes = 2;
  config.height = config.width = 16;
  config.sample_rate = 8000;
  config.samples = 4000;
  config.parameters = Parameters(info.parameters);
  return info.make(config);
}

// As a training keeps its weights: the group's name before the module's.
WeightFile kept_file(Training& training) {
  WeightFile file;
  for (const ModuleGroup& group : training.groups()) {
    for (const auto& [name, tensor] : state_of(*group.module)) file.tensors.emplace(group.name + "." + name, tensor);
  }
  return file;
}

std::unique_ptr<Training> pretraining(const std::string& id) {
  const MethodInfo& info = method_registry().get(id);
  auto training = test::make_tiny(info);
  test::train_step(*training, info, 0);  // students and teachers are not alike any more
  return training;
}

TensorMap backbone_of(const std::shared_ptr<Model>& model) {
  TensorMap state = state_of(*model);
  std::erase_if(state, [](const auto& entry) { return is_classifier_parameter(entry.first); });
  return state;
}

}  // namespace

TEST_CASE("finetune: of a transformer of one block, embeddings go at the square of the decay, the block at the decay") {
  const auto training = finetuning_of(test::tiny_vit(Modality::kVideo), {{"layer_decay", 0.45}});
  const ModuleGroup group = training->groups().at(0);
  const auto scale = [&](const char* name) { return group.rule_of(name).learning_rate_scale; };
  CHECK(scale("cls_token") == Approx(0.2025));
  CHECK(scale("enc_pos_embed") == Approx(0.2025));
  CHECK(scale("cuboid_embed.proj.weight") == Approx(0.2025));
  CHECK(scale("encoder.blocks.0.attn.qkv.weight") == Approx(0.45));
  CHECK(scale("encoder_norm.weight") == 1.0);
  CHECK(scale("fc.weight") == 1.0);
  CHECK_FALSE(group.rule_of("cls_token").decays);
  CHECK_FALSE(group.rule_of("enc_pos_embed").decays);
  CHECK(group.rule_of("fc.weight").decays);
  CHECK(group.decay_matrices_only);
}

TEST_CASE("Every network puts each of its parameters on a layer of its own, the classifier on the last") {
  for (const std::string id : {"image_cnn", "r2plus1d_small", "audio_cnn", "resnet18", "video_vit_tiny"}) {
    INFO(id);
    const auto model = id == "video_vit_tiny" ? test::tiny_vit(Modality::kVideo) : small_model(id);
    std::int64_t last = 0;
    std::set<std::int64_t> layers;
    for (const auto& item : model->named_parameters()) {
      const ParameterPlace place = model->place_of(item.key());
      INFO(item.key());
      CHECK((place.layer >= 0 && place.layer < place.layers));
      CHECK((place.layer == place.layers - 1) ==
            (item.key().starts_with("fc.") || item.key().starts_with("encoder_norm.")));
      CHECK(place.layer >= last);  // registered from input to output
      last = place.layer;
      layers.insert(place.layer);
    }
    CHECK(layers.size() >= 3);
  }
  CHECK(small_model("resnet18")->place_of("layer3.1.conv2.weight").layer == 3);
}

TEST_CASE("finetune: with everything off it is the supervised loss, of labels and of tags") {
  const auto student = std::make_shared<test::FreeOutputs>();
  Batch batch = test::tiny_batch(finetune(), 0, test::kBatch);
  const auto plain = [&] { return classification_term(student->logits(), batch.labels, batch.label_known); };
  CHECK(loss_of(*finetuning_of(student, kPlain), batch) == Approx(plain().item<double>()).epsilon(1e-6));
  const at::Tensor hidden = batch.label_known.logical_not().unsqueeze(1);
  batch.labels = label_mask(batch.labels, test::kClasses).to(at::kFloat).masked_fill(hidden, -1);
  CHECK(loss_of(*finetuning_of(student, kPlain, true), batch) == Approx(plain().item<double>()).epsilon(1e-6));
}

TEST_CASE("finetune: each of its parts changes what a step of the network that sees computes") {
  const auto student = test::tiny_vit(Modality::kVideo);
  const Batch batch = batch_of_both(0);
  const double plain = loss_of(*finetuning_of(student, kPlain), batch);
  const std::array<Values, 6> parts{{{{"mixup", 1.0}},
                                     {{"cutmix", 1.0}},
                                     {{"label_smoothing", 0.2}},
                                     {{"augment_operations", std::int64_t{4}}, {"augment_chance", 1.0}},
                                     {{"erasing", 1.0}},
                                     {{"dropout", 0.5}}}};
  for (const Values& part : parts) {
    INFO(part.begin()->first);
    Values values = kPlain;
    for (const auto& [name, value] : part) values[name] = value;
    const double changed = loss_of(*finetuning_of(student, values), batch);
    CHECK(changed != plain);
    CHECK(std::isfinite(changed));
  }
}

TEST_CASE("finetune: a network that hears is trained on masked sound") {
  const auto student = test::tiny_vit(Modality::kAudio);
  const Batch batch = batch_of_both(0);
  const double plain = loss_of(*finetuning_of(student, kPlain), batch);
  const std::array<Values, 3> parts{{{{"volume", 0.5}},
                                     {{"time_masks", std::int64_t{1}}, {"time_mask_share", 0.5}},
                                     {{"band_masks", std::int64_t{1}}, {"band_mask_share", 0.5}}}};
  for (const Values& part : parts) {
    INFO(part.begin()->first);
    Values values = kPlain;
    for (const auto& [name, value] : part) values[name] = value;
    const double changed = loss_of(*finetuning_of(student, values), batch);
    CHECK(changed != plain);
    CHECK(std::isfinite(changed));
  }
}

TEST_CASE("finetune: dropout needs a classifier of its name, and says so") {
  CHECK_THROWS_AS(finetuning_of(std::make_shared<test::FreeOutputs>(), {{"dropout", 0.5}}), Error);
}

TEST_CASE("finetune: clips whose label is hidden do not reach the loss, whatever they show") {
  Values mixed = kPlain;
  mixed["mixup"] = 1.0;
  const auto training = finetuning_of(std::make_shared<test::TinyModel>(), mixed);
  Batch batch = test::tiny_batch(finetune(), 0);
  const double before = loss_of(*training, batch);
  batch.video = batch.video.masked_fill(batch.label_known.logical_not().view({-1, 1, 1, 1, 1}), 7);
  CHECK(loss_of(*training, batch) == before);
}

TEST_CASE("A kept pretraining of XKD starts a network of either modality by the prefix of its branch") {
  const auto training = pretraining("xkd");
  const WeightFile file = kept_file(*training);
  for (const Modality modality : {Modality::kVideo, Modality::kAudio}) {
    const std::string branch = modality == Modality::kVideo ? "vid" : "aud";
    for (const std::string role : {"student", "teacher"}) {
      const std::string prefix = "student." + branch + "_" + role + ".backbone";
      INFO(prefix);
      const auto model = test::tiny_vit(modality);
      LoadOptions options;
      options.prefix = prefix;
      options.classifier = ClassifierWeights::kSkip;
      const WeightsReport report = load_weights(*model, file, options);
      CHECK(report.missing.empty());
      CHECK(fingerprint(backbone_of(model)) == fingerprint(with_prefix(file.tensors, prefix + ".")));
    }
    // By itself it finds the student's.
    LoadOptions by_itself;
    by_itself.classifier = ClassifierWeights::kSkip;
    CHECK(load_weights(*test::tiny_vit(modality), file, by_itself).prefix ==
          "student." + branch + "_student.backbone.");
  }
}

TEST_CASE("Blocks that both students share are kept once: a second prefix completes the network that hears") {
  const auto training = pretraining("xkd_mas");
  const WeightFile file = kept_file(*training);
  const auto model = test::tiny_vit(Modality::kAudio);
  LoadOptions options;
  options.classifier = ClassifierWeights::kSkip;
  options.prefix = "student.aud_student.backbone";
  CHECK_THROWS_AS(load_weights(*model, file, options), Error);
  options.prefix = "student.aud_student.backbone, student.vid_student.backbone";
  const WeightsReport report = load_weights(*model, file, options);
  CHECK(report.complete());
  TensorMap expected = with_prefix(file.tensors, "student.aud_student.backbone.");
  add_with_prefix(expected, "encoder.", with_prefix(file.tensors, "student.vid_student.backbone.encoder."));
  CHECK(fingerprint(backbone_of(model)) == fingerprint(expected));
  CHECK(std::ranges::find(report.left_out, "student.vid_student.backbone.cuboid_embed.proj.weight") !=
        report.left_out.end());
}
