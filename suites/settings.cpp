// The settings of a suite file, each declared once: its name there, its field, range, doc and unit.
#include "cmkd/suites/settings.h"

#include <map>

#include "cmkd/core/error.h"
#include "own_tables.h"

namespace cmkd {

template <>
const SettingTable<GeneralSettings>& setting_table() {
  using Values = GeneralSettings;
  static const SettingTable<Values> table{
      {"title", &Values::title, "shown above the leaderboard"},
      {"description", &Values::description, "what the suite is for"},
      {"task", &Values::task, "the protocol that evaluates"},
      {"protocol", &Values::protocol,
       "strict: nothing is chosen on the reported split, which is touched once; paper: as the original "
       "scripts, the best epoch is chosen on the reported split, and retrieval adds their truncated mAP"},
      {"seeds", &Values::seeds, 1, 1000, "paired seeds: every method runs with each"},
      {"first_seed", &Values::first_seed, 0, 1e9, "the seeds are first_seed, first_seed + 1, …"},
  };
  return table;
}

template <>
const SettingTable<IngestSettings>& setting_table() {
  using Values = IngestSettings;
  static const SettingTable<Values> table{
      {"video", &Values::video, "store frames"},
      {"audio", &Values::audio, "store sound"},
      {"height", &Values::height, 8, 4096, "height at which frames are stored", "pixels"},
      {"width", &Values::width, 8, 4096, "width at which frames are stored", "pixels"},
      {"fps", &Values::fps, 0, 240, "stored frames a second, by presentation time; 0: every frame", "1/s"},
      {"sample_rate", &Values::sample_rate, 1000, 192000, "rate at which sound is stored, mono", "Hz"},
      {"max_duration_s", &Values::max_duration_s, 0, 1e6, "a longer clip is cut here; 0: no limit", "s"},
      {"frame_storage", &Values::frame_storage, "raw is fastest, jpeg (quality 95) smallest"},
      {"audio_storage", &Values::audio_storage, "int16 carries a scale for each clip"},
      {"audio_form", &Values::audio_form,
       "features: an array that was published for each clip (.npy, .pt) stands for its sound"},
      {"feature_values", &Values::feature_values, 0, 1e7, "values of such an array, all dimensions together"},
  };
  return table;
}

template <>
const SettingTable<WindowSettings>& setting_table() {
  using Values = WindowSettings;
  static const SettingTable<Values> table{
      {"frames", &Values::frames, 1, 1024, "frames of a window"},
      {"frame_step", &Values::frame_step, 1, 256, "every frame_step-th stored frame"},
      {"crop", &Values::crop, 0, 4096, "side of the square crop; 0: the whole frame", "pixels"},
      {"flip", &Values::flip, "mirror at random in training (not where left and right are classes)"},
      {"windows", &Values::windows, 1, 1000,
       "fixed windows a clip in training; the teacher's outputs are cached for each"},
      {"test_views", &Values::test_views, 1, 1000, "windows a clip at test, evenly spread; their outputs are averaged"},
      {"test_crops", &Values::test_crops,
       "crops of each window at test; three: at both ends and in the middle of the longer side"},
      {"audio_seconds", &Values::audio_seconds, 0, 1e4, "sound of a window; 0: the time that its frames span", "s"},
      {"normalise", &Values::normalise, "pixel mean and std: 0.5 and 0.25, or those of Kinetics-400"},
  };
  return table;
}

template <>
const SettingTable<LabelSettings>& setting_table() {
  using Values = LabelSettings;
  static const SettingTable<Values> table{
      {"labelled", &Values::labelled, 0, 1e9,
       "labelled clips of the transfer set; the labels of the others are hidden; 0: all"},
      {"label_selection", &Values::label_selection,
       "random: blind to class, so that a hidden label decides nothing; balanced: as many of each class as can be"},
      {"label_draw", &Values::label_draw, "another draw of labelled clips for each seed, or one for all"},
      {"validation_clips", &Values::validation_clips, 0, 1e9,
       "cut from the training split by group when the dataset lists no validation split; more than "
       "`labelled` is marked in the report"},
      {"teacher_train", &Values::teacher_train,
       "the teacher learns from clips of their own, or from the transfer clips (it then knows their labels)"},
      {"folds", &Values::folds,
       "which of a dataset's folds, its official train/test splits, are run (UCF101 has 3, ESC-50 has 5): for example "
       "\"1\" or "
       "\"1,2\"; a seed's value is its mean over them"},
      {"teacher_share", &Values::teacher_share, 0.01, 0.99,
       "share of the training split that the teacher learns from (disjoint)"},
  };
  return table;
}

template <>
const SettingTable<TrainingBudget>& setting_table() {
  using Values = TrainingBudget;
  static const SettingTable<Values> table{
      {"epochs", &Values::epochs, 1, 100000, "passes over the unlabelled clips (over all, when all are labelled)"},
      {"batch_labelled", &Values::batch_labelled, 0, 100000, "labelled clips a step"},
      {"batch_unlabelled", &Values::batch_unlabelled, 0, 100000, "unlabelled clips a step"},
      {"optimizer", &Values::optimizer, "adam couples the weight decay, adamw does not"},
      {"learning_rate", &Values::learning_rate, 0, 100, "peak learning rate"},
      {"weight_decay", &Values::weight_decay, 0, 10, "of every parameter"},
      {"momentum", &Values::momentum, 0, 0.9999, "of sgd"},
      {"schedule", &Values::schedule, "step: times 0.1 at three quarters of the epochs"},
      {"warmup_epochs", &Values::warmup_epochs, 0, 10000, "linear from 0", "epochs"},
      {"clip_gradient_norm", &Values::clip_gradient_norm, 0, 1e9, "of each group; 0: no clipping"},
      {"select", &Values::select, "which epoch's weights are evaluated"},
      {"teacher_maps_mib", &Values::teacher_maps_mib, 0, 1 << 20,
       "the teacher's feature maps, for methods that compare them, are kept in memory when those of all "
       "clips take at most this, and computed anew at each step otherwise",
       "MiB"},
      {"keep_weights", &Values::keep_weights, "keep the final weights of the students beside the store"},
      {"precision", &Values::precision,
       "numbers of a step on a GPU; the CPU has float32. bf16: autocast of forward passes and losses. Weights, "
       "optimiser "
       "and evaluation stay float32"},
      {"memory_format", &Values::memory_format,
       "how convolutions lie in memory; channels_last is often faster, on a GPU above all with bf16"},
      {"graphs", &Values::graphs,
       "on a GPU, a step is recorded as one graph and repeated, for methods whose step can be (cmkd describe); the "
       "learning rate is then a float32"},
  };
  return table;
}

// Of the process that trains: one setting for teacher and students.
template <>
const SettingTable<RuntimeOptions>& setting_table() {
  using Values = RuntimeOptions;
  static const SettingTable<Values> table{
      {"threads", &Values::threads, 1, 256,
       "LibTorch threads of a run: part of its key, because sums change with them"},
      {"deterministic", &Values::deterministic,
       "the same bytes for the same build, device model, CPU level and threads"},
  };
  return table;
}

template <>
const SettingTable<LoadingSettings>& setting_table() {
  using Values = LoadingSettings;
  static const SettingTable<Values> table{
      {"threads", &Values::threads, 0, 256,
       "threads of a run that make batches ahead of their use; 0: the training makes them itself. No result depends on "
       "it"},
      {"ahead", &Values::ahead, 1, 1000, "batches made or being made at any time, at least one a thread"},
      {"device_cache_mib", &Values::device_cache_mib, -1, 1 << 20,
       "of the device's memory, to hold the whole clip cache in when it fits; 0: none; -1: half of what is free on a "
       "GPU, none on the CPU",
       "MiB"},
  };
  return table;
}

template <>
const SettingTable<TuneSettings>& setting_table() {
  using Values = TuneSettings;
  static const SettingTable<Values> table{
      {"trials", &Values::trials, 1, 100000, "settings tried for every method; the first is the suite's own"},
      {"seeds", &Values::seeds, 1, 1000, "seeds a trial; none of them is reported"},
      {"first_seed", &Values::first_seed, 0, 2e9, "the seeds are first_seed, first_seed + 1, …"},
      {"validation_clips", &Values::validation_clips, 0, 1e9,
       "cut from the training split while tuning, when the suite has no validation clips; more than "
       "`labelled` is marked"},
      {"learning_rate_factor", &Values::learning_rate_factor, 1, 1000,
       "the learning rate is drawn from its value divided and times this"},
      {"weight_decay_low", &Values::weight_decay_low, 1e-12, 1,
       "the weight decay is drawn from here, in its logarithm"},
      {"weight_decay_high", &Values::weight_decay_high, 1e-12, 1, "up to here"},
  };
  return table;
}

// Of [student] and [teacher]: the weights that their training starts from.
template <>
const SettingTable<WeightsSettings>& setting_table() {
  using Values = WeightsSettings;
  static const SettingTable<Values> table{
      {"weights", &Values::file, "file of the first weights: PyTorch, safetensors; \"\": drawn at random by the seed"},
      {"weights_entry", &Values::entry,
       "which entry of a checkpoint; \"\": the first of state_dict, model_state_dict, model and net; .: all"},
      {"weights_prefix", &Values::prefix,
       "removed from the file's names; auto: the one with which most tensors fit; a, b: b gives what a lacks"},
      {"weights_classifier", &Values::classifier, "skip: the head keeps its random first weights"},
      {"weights_first_conv", &Values::first_conv, "sum: over the file's input channels, for a model with one"},
      {"weights_partial", &Values::allow_partial,
       "tensors that are missing, unexpected or of another shape are no error"},
      {"weights_pretrained_on", &Values::pretrained_on,
       "names of the sets that the weights were trained on; a list in the suite file: [\"kinetics400\"]"},
  };
  return table;
}

template <>
const SettingTable<EvaluationSettings>& setting_table() {
  using Values = EvaluationSettings;
  static const SettingTable<Values> table{
      {"batch", &Values::batch, 1, 100000, "clips a forward pass"},
      {"average", &Values::average,
       "what is averaged over a clip's views: softmax (or sigmoid) probabilities, or logits"},
      {"gallery", &Values::gallery,
       "retrieval: what is searched: the training split, or the queries themselves but the one that "
       "asks"},
      {"truncate_at", &Values::truncate_at, 1, 1000000,
       "retrieval, protocol paper: ranks of the scripts' truncated mAP"},
      {"classifier", &Values::classifier,
       "network: its own head. The others are trained on frozen features of the labelled clips: logistic regression, a "
       "linear SVM one against the rest, nearest neighbours by cosine"},
      {"features", &Values::features,
       "own: of the student's modality; other, both: of methods that train a network for each modality"},
      {"feature_windows", &Values::feature_windows, 1, 1000,
       "windows of each training clip that a classifier on features learns from, drawn as in training"},
      {"neighbours", &Values::neighbours, 1, 100000, "of knn"},
  };
  return table;
}

template <>
const SettingTable<CorruptionSettings>& setting_table() {
  using Values = CorruptionSettings;
  static const SettingTable<Values> table{
      {"kind", &Values::kind,
       "what is done to the teacher's modality of the pairs that it teaches on. Sound: noise (sound of "
       "another class is mixed in), swap (replaced by it), shift (moved in time), missing (silence). "
       "Pictures: occlude (a grey square), freeze (the first frame stands), swap, missing (grey)"},
      {"share", &Values::share, 0, 1, "share of the clips to which it is done, drawn by seed"},
      {"snr_db", &Values::snr_db, -60, 60, "noise: level of the clip's own sound above the other", "dB"},
      {"shift_s", &Values::shift_s, -1e4, 1e4, "shift: how much later the sound begins, going round", "s"},
      {"area", &Values::area, 0, 1, "occlude: share of the picture that is covered"},
  };
  return table;
}

namespace {

using SpecsOfSections = std::map<std::string, const std::vector<ParameterSpec>*>;

const SpecsOfSections& all_specs() {
  static const SpecsOfSections specs = [] {
    SpecsOfSections all{{"weights", &setting_table<WeightsSettings>().specs()}};
    Suite any;  // what a table declares is the same in each
    for (const suite_file::OwnTable& table : suite_file::own_tables()) {
      all.emplace(table.name, &table.section(any).specs());
    }
    return all;
  }();
  return specs;
}

}  // namespace

const std::vector<ParameterSpec>& section_specs(const std::string& section) {
  const auto found = all_specs().find(section);
  if (found == all_specs().end()) {
    throw Error(ErrorKind::kUsage, {.what = "unknown section '" + section + "'",
                                    .allowed = join(section_names()),
                                    .fix = did_you_mean(section, section_names())});
  }
  return *found->second;
}

std::string section_title(const std::string& section) {
  return section == "weights" ? "[student] and [teacher] of a suite file: first weights"
                              : "[" + section + "] of a suite file";
}

std::vector<std::string> section_names() {
  std::vector<std::string> names;
  for (const auto& [name, specs] : all_specs()) names.push_back(name);
  return names;
}

}  // namespace cmkd
