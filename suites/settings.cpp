// The settings of a suite file, each declared once.
#include <map>

#include "cmkd/core/error.h"
#include "cmkd/suites/suite.h"

namespace cmkd {

namespace {

using Spec = ParameterSpec;

std::vector<Spec> suite_specs() {
  return {
      Spec::text("title", "", "shown above the leaderboard"),
      Spec::text("description", "", "what the suite is for"),
      Spec::choice("task", "action_recognition", {"action_recognition", "retrieval", "audio_tagging"},
                   "the protocol that evaluates"),
      Spec::choice("protocol", "strict", {"strict", "paper"},
                   "strict: nothing is chosen on the reported split, which is touched once; paper: as the original "
                   "scripts, the best epoch is chosen on the reported split, and retrieval adds their truncated mAP"),
      Spec::integer("seeds", 5, 1, 1000, "paired seeds: every method runs with each"),
      Spec::integer("first_seed", 0, 0, 1e9, "the seeds are first_seed, first_seed + 1, …"),
  };
}

std::vector<Spec> ingest_specs() {
  return {
      Spec::boolean("video", true, "store frames"),
      Spec::boolean("audio", true, "store sound"),
      Spec::integer("height", 128, 8, 4096, "height at which frames are stored", "pixels"),
      Spec::integer("width", 171, 8, 4096, "width at which frames are stored", "pixels"),
      Spec::number("fps", 8, 0, 240, "stored frames a second, by presentation time; 0: every frame", "1/s"),
      Spec::integer("sample_rate", 16000, 1000, 192000, "rate at which sound is stored, mono", "Hz"),
      Spec::number("max_duration_s", 0, 0, 1e6, "a longer clip is cut here; 0: no limit", "s"),
      Spec::choice("frame_storage", "raw", {"raw", "jpeg"}, "raw is fastest, jpeg (quality 95) smallest"),
      Spec::choice("audio_storage", "float32", {"float32", "int16"}, "int16 carries a scale for each clip"),
      Spec::choice("audio_form", "waveform", {"waveform", "features"},
                   "features: an array that was published for each clip (.npy, .pt) stands for its sound"),
      Spec::integer("feature_values", 0, 0, 1e7, "values of such an array, all dimensions together"),
  };
}

std::vector<Spec> clip_specs() {
  return {
      Spec::integer("frames", 16, 1, 1024, "frames of a window"),
      Spec::integer("frame_step", 1, 1, 256, "every frame_step-th stored frame"),
      Spec::integer("crop", 0, 0, 4096, "side of the square crop; 0: the whole frame", "pixels"),
      Spec::boolean("flip", false, "mirror at random in training (not where left and right are classes)"),
      Spec::integer("windows", 1, 1, 1000,
                    "fixed windows a clip in training; the teacher's outputs are cached for each"),
      Spec::integer("test_views", 3, 1, 1000, "windows a clip at test, evenly spread; their outputs are averaged"),
      Spec::choice("test_crops", "centre", {"centre", "three"},
                   "crops of each window at test; three: at both ends and in the middle of the longer side"),
      Spec::number("audio_seconds", 0, 0, 1e4, "sound of a window; 0: the time that its frames span", "s"),
      Spec::choice("normalise", "half", {"half", "kinetics"},
                   "pixel mean and std: 0.5 and 0.25, or those of Kinetics-400"),
  };
}

std::vector<Spec> labels_specs() {
  return {
      Spec::integer("labelled", 0, 0, 1e9,
                    "labelled clips of the transfer set; the labels of the others are hidden; 0: all"),
      Spec::choice(
          "label_selection", "random", {"random", "balanced"},
          "random: blind to class, so that a hidden label decides nothing; balanced: as many of each class as can be"),
      Spec::choice("label_draw", "per_seed", {"per_seed", "fixed"},
                   "another draw of labelled clips for each seed, or one for all"),
      Spec::integer("validation_clips", 0, 0, 1e9,
                    "cut from the training split by group when the dataset lists no validation split; more than "
                    "`labelled` is marked in the report"),
      Spec::choice(
          "teacher_train", "disjoint", {"disjoint", "same"},
          "the teacher learns from clips of their own, or from the transfer clips (it then knows their labels)"),
      Spec::text("folds", "all",
                 "which of a dataset's official splits are run (UCF101 has 3, ESC-50 has 5), for example \"1\" or "
                 "\"1,2\"; a seed's value is its mean over them"),
      Spec::number("teacher_share", 0.5, 0.01, 0.99,
                   "share of the training split that the teacher learns from (disjoint)"),
  };
}

std::vector<Spec> training_specs() {
  return {
      Spec::integer("epochs", 10, 1, 100000, "passes over the unlabelled clips (over all, when all are labelled)"),
      Spec::integer("batch_labelled", 32, 0, 100000, "labelled clips a step"),
      Spec::integer("batch_unlabelled", 32, 0, 100000, "unlabelled clips a step"),
      Spec::choice("optimizer", "adam", {"adam", "adamw", "sgd"}, "adam couples the weight decay, adamw does not"),
      Spec::number("learning_rate", 1e-3, 0, 100, "peak learning rate"),
      Spec::number("weight_decay", 5e-4, 0, 10, "of every parameter"),
      Spec::number("momentum", 0.9, 0, 0.9999, "of sgd"),
      Spec::choice("schedule", "cosine", {"cosine", "step", "constant"},
                   "step: times 0.1 at three quarters of the epochs"),
      Spec::number("warmup_epochs", 0, 0, 10000, "linear from 0", "epochs"),
      Spec::number("clip_gradient_norm", 0, 0, 1e9, "of each group; 0: no clipping"),
      Spec::choice("select", "last", {"last", "best_validation"}, "which epoch's weights are evaluated"),
      Spec::integer("teacher_maps_mib", 1024, 0, 1 << 20,
                    "the teacher's feature maps, for methods that compare them, are kept in memory when those of all "
                    "clips take at most this, and computed anew at each step otherwise",
                    "MiB"),
      Spec::boolean("keep_weights", false, "keep the final weights of the students beside the store"),
  };
}

// Of the process that trains: one setting for teacher and students.
std::vector<Spec> runtime_specs() {
  return {
      Spec::integer("threads", 1, 1, 256, "LibTorch threads of a run: part of its key, because sums change with them"),
      Spec::boolean("deterministic", true, "the same bytes for the same build, device model, CPU level and threads"),
  };
}

std::vector<Spec> tune_specs() {
  return {
      Spec::integer("trials", 8, 1, 100000, "settings tried for every method; the first is the suite's own"),
      Spec::integer("seeds", 1, 1, 1000, "seeds a trial; none of them is reported"),
      Spec::integer("first_seed", 1000000, 0, 2e9, "the seeds are first_seed, first_seed + 1, …"),
      Spec::integer("validation_clips", 0, 0, 1e9,
                    "cut from the training split while tuning, when the suite has no validation clips; more than "
                    "`labelled` is marked"),
      Spec::number("learning_rate_factor", 4, 1, 1000,
                   "the learning rate is drawn from its value divided and times this"),
      Spec::number("weight_decay_low", 1e-6, 1e-12, 1, "the weight decay is drawn from here, in its logarithm"),
      Spec::number("weight_decay_high", 1e-2, 1e-12, 1, "up to here"),
  };
}

// Of [student] and [teacher]: the weights that their training starts from.
std::vector<Spec> weights_specs() {
  return {
      Spec::text("weights", "", "file of the first weights: PyTorch, safetensors; \"\": drawn at random by the seed"),
      Spec::text("weights_entry", "",
                 "which entry of a checkpoint; \"\": the first of state_dict, model_state_dict, model and net; .: all"),
      Spec::text("weights_prefix", "auto", "removed from the file's names; auto: the one with which most tensors fit"),
      Spec::choice("weights_classifier", "load", {"load", "skip"}, "skip: the head keeps its random first weights"),
      Spec::choice("weights_first_conv", "exact", {"exact", "sum"},
                   "sum: over the file's input channels, for a model with one"),
      Spec::boolean("weights_partial", false, "tensors that are missing, unexpected or of another shape are no error"),
      Spec::text("weights_pretrained_on", "",
                 "names of the sets that the weights were trained on; a list in the suite file: [\"kinetics400\"]"),
  };
}

std::vector<Spec> evaluation_specs() {
  return {
      Spec::integer("batch", 128, 1, 100000, "clips a forward pass"),
      Spec::choice("average", "probabilities", {"probabilities", "logits"},
                   "what is averaged over a clip's views: softmax (or sigmoid) probabilities, or logits"),
      Spec::choice("gallery", "train", {"train", "leave_one_out"},
                   "retrieval: what is searched: the training split, or the queries themselves but the one that "
                   "asks"),
      Spec::integer("truncate_at", 20, 1, 1000000, "retrieval, protocol paper: ranks of the scripts' truncated mAP")};
}

std::vector<Spec> corruption_specs() {
  return {
      Spec::choice("kind", "none", {"none", "noise", "swap", "shift", "missing", "occlude", "freeze"},
                   "what is done to the teacher's modality of the pairs that it teaches on. Sound: noise (sound of "
                   "another class is mixed in), swap (replaced by it), shift (moved in time), missing (silence). "
                   "Pictures: occlude (a grey square), freeze (the first frame stands), swap, missing (grey)"),
      Spec::number("share", 1.0, 0, 1, "share of the clips to which it is done, drawn by seed"),
      Spec::number("snr_db", 0.0, -60, 60, "noise: level of the clip's own sound above the other", "dB"),
      Spec::number("shift_s", 1.0, -1e4, 1e4, "shift: how much later the sound begins, going round", "s"),
      Spec::number("area", 0.25, 0, 1, "occlude: share of the picture that is covered"),
  };
}

const std::map<std::string, std::vector<Spec>>& all_specs() {
  static const std::map<std::string, std::vector<Spec>> specs{
      {"suite", suite_specs()},    {"ingest", ingest_specs()},         {"clip", clip_specs()},
      {"labels", labels_specs()},  {"training", training_specs()},     {"evaluation", evaluation_specs()},
      {"tune", tune_specs()},      {"corruption", corruption_specs()}, {"weights", weights_specs()},
      {"runtime", runtime_specs()}};
  return specs;
}

}  // namespace

const std::vector<ParameterSpec>& section_specs(const std::string& section) {
  const auto found = all_specs().find(section);
  if (found == all_specs().end()) {
    throw Error(ErrorKind::kUsage, {"unknown section '" + section + "'", "", join(section_names()),
                                    did_you_mean(section, section_names())});
  }
  return found->second;
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
