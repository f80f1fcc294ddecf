-- The result store, version 5: its tables (views.sql has the views). Every table and column is described in
-- docs/store.md.
--
-- What is reproducible to the byte and what was measured are kept apart: only `measurement` holds times, memory and dates.
-- Keys are hashes of contents, so that rows mean the same in every store; no row number is ever shown.
-- This file is run inside one transaction by results/schema.cpp, which also embeds it in the program.

PRAGMA application_id = 1668115300;  -- "cmkd" in ASCII: a file of another program is refused
PRAGMA user_version = 5;

-- Data sets ----------------------------------------------------------------------------------------------------------

CREATE TABLE dataset (
  fingerprint  TEXT NOT NULL PRIMARY KEY CHECK (fingerprint <> ''),
  name         TEXT NOT NULL,
  config_json  TEXT NOT NULL,
  listed_clips INTEGER NOT NULL CHECK (listed_clips >= 0)
) STRICT, WITHOUT ROWID;

-- Decoders of different machines differ in the last bits: one source may have several decodings.
CREATE TABLE decoding (
  dataset_fingerprint TEXT NOT NULL REFERENCES dataset (fingerprint),
  decoded_fingerprint TEXT NOT NULL,
  used_clips          INTEGER NOT NULL CHECK (used_clips >= 0),
  PRIMARY KEY (dataset_fingerprint, decoded_fingerprint)
) STRICT, WITHOUT ROWID;

CREATE TABLE excluded_clip (
  dataset_fingerprint TEXT NOT NULL,
  decoded_fingerprint TEXT NOT NULL,
  clip_id             TEXT NOT NULL,
  path                TEXT NOT NULL,
  split               TEXT NOT NULL,
  reason              TEXT NOT NULL CHECK (reason <> ''),
  PRIMARY KEY (dataset_fingerprint, decoded_fingerprint, clip_id),
  FOREIGN KEY (dataset_fingerprint, decoded_fingerprint) REFERENCES decoding (dataset_fingerprint, decoded_fingerprint)
) STRICT, WITHOUT ROWID;

-- Environments -------------------------------------------------------------------------------------------------------

CREATE TABLE environment (
  fingerprint TEXT NOT NULL PRIMARY KEY CHECK (fingerprint <> '')
) STRICT, WITHOUT ROWID;

CREATE TABLE environment_value (
  environment_fingerprint TEXT NOT NULL REFERENCES environment (fingerprint) ON DELETE CASCADE,
  name                    TEXT NOT NULL,
  value                   TEXT NOT NULL,
  PRIMARY KEY (environment_fingerprint, name)
) STRICT, WITHOUT ROWID;

-- Files beside the database ------------------------------------------------------------------------------------------

CREATE TABLE artifact (
  path        TEXT NOT NULL PRIMARY KEY CHECK (path <> '' AND path NOT LIKE '/%'),
  fingerprint TEXT NOT NULL,
  size_bytes  INTEGER NOT NULL CHECK (size_bytes >= 0),
  kind        TEXT NOT NULL CHECK (kind IN ('weights', 'outputs'))
) STRICT, WITHOUT ROWID;

-- Trainings ----------------------------------------------------------------------------------------------------------

CREATE TABLE training (
  key                         TEXT NOT NULL PRIMARY KEY CHECK (key <> ''),
  config_json                 TEXT NOT NULL,
  cell_key                    TEXT NOT NULL,
  dataset_fingerprint         TEXT NOT NULL REFERENCES dataset (fingerprint),
  decoded_fingerprint         TEXT,
  method                      TEXT NOT NULL CHECK (method <> ''),
  control                     TEXT NOT NULL,
  label                       TEXT NOT NULL CHECK (label <> ''),
  verified                    TEXT NOT NULL CHECK (verified IN ('step', 'loss', 'part', 'none')),
  direction                   TEXT NOT NULL,
  student_model               TEXT NOT NULL,
  teacher_model               TEXT NOT NULL,
  teacher_key                 TEXT NOT NULL,
  seed                        INTEGER NOT NULL,
  status                      TEXT NOT NULL CHECK (status IN ('done', 'failed')),
  reason                      TEXT NOT NULL,
  initial_weights_fingerprint TEXT NOT NULL,
  batch_order_fingerprint     TEXT NOT NULL,
  augmentation_fingerprint    TEXT NOT NULL,
  final_weights_fingerprint   TEXT NOT NULL,
  weights_file                TEXT REFERENCES artifact (path),
  selected_epoch              INTEGER NOT NULL,
  selection_rule              TEXT NOT NULL,
  content_fingerprint         TEXT NOT NULL,
  environment_fingerprint     TEXT NOT NULL REFERENCES environment (fingerprint),
  shared_code                 TEXT NOT NULL DEFAULT '',  -- hash of the code that all methods share; '': not known
  CHECK ((status = 'failed') = (reason <> '')),
  FOREIGN KEY (dataset_fingerprint, decoded_fingerprint) REFERENCES decoding (dataset_fingerprint, decoded_fingerprint)
) STRICT;

CREATE INDEX training_by_cell ON training (cell_key, key);
CREATE INDEX training_by_dataset ON training (dataset_fingerprint, decoded_fingerprint, key);

CREATE TABLE epoch_value (
  training_key TEXT NOT NULL REFERENCES training (key) ON DELETE CASCADE,
  phase        TEXT NOT NULL,
  epoch        INTEGER NOT NULL CHECK (epoch >= 0),
  kind         TEXT NOT NULL CHECK (kind IN ('term', 'diagnostic', 'validation', 'schedule')),
  name         TEXT NOT NULL,
  value        REAL,  -- NULL: not a number
  PRIMARY KEY (training_key, phase, epoch, kind, name)
) STRICT, WITHOUT ROWID;

-- Evaluations --------------------------------------------------------------------------------------------------------

CREATE TABLE evaluation (
  key                 TEXT NOT NULL PRIMARY KEY CHECK (key <> ''),
  config_json         TEXT NOT NULL,
  training_key        TEXT NOT NULL REFERENCES training (key) ON DELETE CASCADE,
  task                TEXT NOT NULL CHECK (task <> ''),
  protocol            TEXT NOT NULL,
  split               TEXT NOT NULL,
  content_fingerprint TEXT NOT NULL,
  shared_code         TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX evaluation_by_training ON evaluation (training_key, key);

CREATE TABLE metric (
  evaluation_key TEXT NOT NULL REFERENCES evaluation (key) ON DELETE CASCADE,
  split          TEXT NOT NULL,
  name           TEXT NOT NULL CHECK (name <> ''),
  value          REAL,  -- NULL: undefined, as an average precision without positives
  clips          INTEGER NOT NULL CHECK (clips >= 0),
  PRIMARY KEY (evaluation_key, split, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE clip_output (
  evaluation_key TEXT NOT NULL PRIMARY KEY REFERENCES evaluation (key) ON DELETE CASCADE,
  clips          INTEGER NOT NULL CHECK (clips > 0),
  width          INTEGER NOT NULL CHECK (width >= 0),
  fingerprint    TEXT NOT NULL,
  content        BLOB,
  artifact_path  TEXT REFERENCES artifact (path),
  CHECK ((content IS NULL) <> (artifact_path IS NULL))
) STRICT;

-- What was measured: differs from run to run -------------------------------------------------------------------------

CREATE TABLE measurement (
  training_key   TEXT REFERENCES training (key) ON DELETE CASCADE,
  evaluation_key TEXT REFERENCES evaluation (key) ON DELETE CASCADE,
  name           TEXT NOT NULL CHECK (name <> ''),
  value          REAL,
  CHECK ((training_key IS NULL) <> (evaluation_key IS NULL))
) STRICT;

CREATE UNIQUE INDEX measurement_of_training ON measurement (training_key, name) WHERE training_key IS NOT NULL;
CREATE UNIQUE INDEX measurement_of_evaluation ON measurement (evaluation_key, name) WHERE evaluation_key IS NOT NULL;

-- Suites: links only. No foreign key to training or evaluation, because a suite says what it wants before it is run. ---

CREATE TABLE suite (
  name  TEXT NOT NULL PRIMARY KEY CHECK (name <> ''),
  title TEXT NOT NULL,
  file  TEXT NOT NULL DEFAULT ''  -- as it was named when it was last run
) STRICT, WITHOUT ROWID;

CREATE TABLE suite_link (
  suite             TEXT NOT NULL REFERENCES suite (name) ON DELETE CASCADE,
  task              TEXT NOT NULL,
  dataset           TEXT NOT NULL,
  direction         TEXT NOT NULL,
  protocol          TEXT NOT NULL,
  primary_metric    TEXT NOT NULL,
  method_order      TEXT NOT NULL,
  method            TEXT NOT NULL,
  control           TEXT NOT NULL,
  label             TEXT NOT NULL,
  role              TEXT NOT NULL
                    CHECK (role IN ('lower bound', 'method', 'control', 'teacher', 'ceiling', 'upper bound', 'external')),
  student_model     TEXT NOT NULL,
  seed              INTEGER NOT NULL,
  trial             INTEGER CHECK (trial >= 0),  -- of a tuning; NULL: none
  fold              TEXT NOT NULL,  -- which of a data set's official splits
  swept_setting     TEXT NOT NULL,  -- what a sweep changes; '': no sweep
  swept_value       TEXT NOT NULL,  -- its value here, as text
  level             REAL,           -- the same as a number; NULL: it is none
  training_key      TEXT NOT NULL CHECK (training_key <> ''),
  evaluation_key    TEXT NOT NULL CHECK (evaluation_key <> ''),
  rerun_command     TEXT NOT NULL,  -- of this run: shown, never read
  row_rerun_command TEXT NOT NULL,  -- of all seeds of its row
  CHECK ((swept_setting = '') = (swept_value = '')),
  CHECK (level IS NULL OR swept_setting <> ''),
  PRIMARY KEY (suite, task, dataset, swept_setting, swept_value, fold, method_order, training_key, evaluation_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX suite_link_by_training ON suite_link (training_key, suite);

-- What makes a training again: the suite file as it was, and what the command line changed of it. No foreign key to
-- training, because a suite says what it wants before it is run.

CREATE TABLE recipe (
  fingerprint    TEXT NOT NULL PRIMARY KEY CHECK (fingerprint <> ''),
  suite          TEXT NOT NULL,
  content        TEXT NOT NULL CHECK (content <> ''),  -- of the suite file
  overrides_json TEXT NOT NULL,                        -- of --set, in their order
  kind           TEXT NOT NULL CHECK (kind IN ('run', 'tuning', 'tuned')),
  winners_json   TEXT NOT NULL                         -- of a tuned suite: method -> trial
) STRICT, WITHOUT ROWID;

CREATE TABLE training_recipe (
  training_key       TEXT NOT NULL CHECK (training_key <> ''),
  recipe_fingerprint TEXT NOT NULL REFERENCES recipe (fingerprint),
  PRIMARY KEY (training_key, recipe_fingerprint)
) STRICT, WITHOUT ROWID;
