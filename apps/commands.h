// One function a subcommand, each in a file of its own. They take the arguments after the subcommand's name and return
// the exit status.
#pragma once

#include "command.h"

namespace cmkd::apps {

using Arguments = std::vector<std::string>;

int run_list(const Arguments& arguments);
int run_describe(const Arguments& arguments);
int run_plan(const Arguments& arguments);
int run_run(const Arguments& arguments);
int run_status(const Arguments& arguments);
int run_report(const Arguments& arguments);
int run_compare(const Arguments& arguments);
int run_rerun(const Arguments& arguments);
int run_export(const Arguments& arguments);
int run_import(const Arguments& arguments);
int run_merge(const Arguments& arguments);
int run_ingest(const Arguments& arguments);
int run_clips(const Arguments& arguments);
int run_probe(const Arguments& arguments);
int run_datasets(const Arguments& arguments);
int run_conformance_command(const Arguments& arguments);
int run_doctor(const Arguments& arguments);
int run_new(const Arguments& arguments);
int run_completion(const Arguments& arguments);
int run_weights(const Arguments& arguments);
int run_tune(const Arguments& arguments);
int run_worker_command(const Arguments& arguments);

}  // namespace cmkd::apps
