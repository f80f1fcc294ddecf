// The table of subcommands.
#include "commands.h"

namespace cmkd::apps {

const std::vector<Command>& all_commands() {
  static const std::vector<Command> commands{
      {"list", "methods, datasets, models, suites, metrics, settings", run_list},
      {"describe", "one of them: what it is, its parameters, what it needs", run_describe},
      {"plan", "what a suite would run, how long, how much disk", run_plan},
      {"run", "train, evaluate and store what a suite wants; continues where it was", run_run},
      {"tune", "the same number of trials for every method, on the validation clips", run_tune},
      {"status", "what of a suite is done, failed, under way", run_status},
      {"report", "leaderboards from the store: Markdown, CSV, JSON, HTML", run_report},
      {"compare", "two methods or runs: settings, environment, metrics, clips that flipped", run_compare},
      {"rerun", "repeat a stored run, and say whether it came out the same", run_rerun},
      {"export", "a run or suite as a folder that another machine can rerun", run_export},
      {"import", "per-clip outputs made elsewhere, as a row of a suite", run_import},
      {"merge", "several stores into one", run_merge},
      {"ingest", "decode a suite's dataset into its clip cache", run_ingest},
      {"clips", "what the models see of a clip: pictures, sound, times, roles, labels", run_clips},
      {"probe", "what the decoder sees in media files", run_probe},
      {"weights", "what a file of weights holds, and how it fits a model", run_weights},
      {"datasets", "make the embedded dataset, check what is on disk", run_datasets},
      {"conformance", "check methods against vectors of their official code", run_conformance_command},
      {"new", "a baseline of your own: one file and its test, from a template", run_new},
      {"doctor", "check this installation", run_doctor},
      {"completion", "shell completion for bash", run_completion},
      {"worker", "internal: a process that trains for 'cmkd run'", run_worker_command, true},
  };
  return commands;
}

}  // namespace cmkd::apps
