-- The result store, version 4: its tables (views.sql has the views). Every table and column is described in
-- docs/store.md.
--
-- What is reproducible to the byte and what was measured are kept apart: only `measurement` holds times, memory and dates.
-- Keys are hashes of contents, so that rows mean the same in every store; no row number is ever shown.
-- This file is run inside one transaction by results/schema.cpp, which also embeds it in the program.

PRAGMA application_id = 1668115300;  -- "cmkd" in ASCII: a file of another program is refused
PRAGMA user_version = 4;

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
                    CHECK (role IN ('lower bound', 'method', 'control', 'teacher', 'ceiling', 'upper bound')),
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
-- The views of the result store (schema.sql has the tables). They hold nothing: a migration drops them and makes them
-- again.

-- Views for a person with sqlite3 ------------------------------------------------------------------------------------

-- One row per method and metric: SELECT * FROM leaderboard WHERE metric = primary_metric;
-- `std` has n - 1 below the line (NULL for one seed). Its square root is Newton's, since sqrt() is an optional part of
-- SQLite: from above it falls by half or more of the way each time, 60 rounds are ample for variances down to 1e-30.
CREATE VIEW leaderboard AS
WITH result AS (
  SELECT l.suite, l.task, l.dataset, l.swept_setting, l.level, l.swept_value, l.direction, l.protocol, l.student_model,
         l.method_order, l.label AS method, l.role, t.verified, m.name AS metric, l.primary_metric, m.split, l.seed,
         t.key, m.value
  FROM suite_link AS l
  JOIN training AS t ON t.key = l.training_key AND t.status = 'done'
  JOIN evaluation AS e ON e.key = l.evaluation_key AND e.training_key = t.key
  JOIN metric AS m ON m.evaluation_key = e.key
  WHERE m.value IS NOT NULL
  ORDER BY l.suite, l.task, l.dataset, l.swept_setting, l.swept_value, l.direction, l.protocol, l.student_model,
           l.method_order, l.label, m.split, m.name, l.seed, l.fold, t.key, e.key
), score AS (  -- a seed's value is its mean over the folds
  SELECT suite, task, dataset, swept_setting, swept_value, direction, protocol, student_model, method_order, method,
         metric, split, seed, min(level) AS level, min(role) AS role, min(verified) AS verified,
         min(primary_metric) AS primary_metric, avg(value) AS value
  FROM result
  GROUP BY suite, task, dataset, swept_setting, swept_value, direction, protocol, student_model, method_order, method,
           split, metric, seed
), average AS (
  SELECT suite, task, dataset, swept_setting, swept_value, direction, protocol, student_model, method_order, method,
         metric, split, avg(value) AS mean
  FROM score
  GROUP BY suite, task, dataset, swept_setting, swept_value, direction, protocol, student_model, method_order, method,
           split, metric
), spread AS (
  SELECT s.suite, s.task, s.dataset, s.swept_setting, s.swept_value, s.direction, s.protocol, s.student_model,
         s.method_order, s.method, s.metric, s.split, min(s.level) AS level, min(s.role) AS role,
         min(s.verified) AS verified, min(s.primary_metric) AS primary_metric, count(*) AS seeds, a.mean,
         sum((s.value - a.mean) * (s.value - a.mean)) / (count(*) - 1) AS variance
  FROM score AS s
  JOIN average AS a USING (suite, task, dataset, swept_setting, swept_value, direction, protocol, student_model,
                           method_order, method, split, metric)
  GROUP BY s.suite, s.task, s.dataset, s.swept_setting, s.swept_value, s.direction, s.protocol, s.student_model,
           s.method_order, s.method, s.metric, s.split
)
SELECT suite, task, dataset, swept_setting, swept_value, direction, protocol, student_model, method, metric, split,
       seeds, mean,
       (WITH RECURSIVE newton (step, root) AS (
          SELECT 0, max(variance, 1.0)
          UNION ALL
          SELECT step + 1, 0.5 * (root + variance / root) FROM newton WHERE step < 60
        )
        SELECT CASE WHEN variance = 0 THEN 0.0 ELSE root END FROM newton WHERE step = 60 AND variance IS NOT NULL) AS std,
       primary_metric, role, verified
FROM spread
ORDER BY suite, task, dataset, swept_setting, level, swept_value, direction, protocol, student_model, split,
         metric <> primary_metric, metric, method_order, method;

-- One row per training.
CREATE VIEW runs AS
SELECT substr(t.key, 1, 12) AS id, t.status, t.label AS method, d.name AS dataset, t.direction, t.student_model,
       t.teacher_model, t.seed, t.verified, t.selected_epoch, t.selection_rule,
       (SELECT count(*) FROM evaluation AS e WHERE e.training_key = t.key) AS evaluations,
       t.initial_weights_fingerprint, t.batch_order_fingerprint, t.augmentation_fingerprint, t.final_weights_fingerprint,
       t.key
FROM training AS t
JOIN dataset AS d ON d.fingerprint = t.dataset_fingerprint
ORDER BY d.name, t.dataset_fingerprint, t.direction, t.student_model, t.label, t.seed, t.key;

-- One row per failed training, and each suite that wants it (NULL: none).
CREATE VIEW failures AS
SELECT substr(t.key, 1, 12) AS id, t.reason, t.label AS method, d.name AS dataset, t.direction, t.seed, l.suite,
       l.rerun_command, t.key
FROM training AS t
JOIN dataset AS d ON d.fingerprint = t.dataset_fingerprint
LEFT JOIN (SELECT DISTINCT suite, training_key, rerun_command FROM suite_link) AS l ON l.training_key = t.key
WHERE t.status = 'failed'
ORDER BY l.suite, d.name, t.direction, t.label, t.seed, t.key, l.rerun_command;

-- One row per clip that was listed and could not be used.
CREATE VIEW exclusions AS
SELECT d.name AS dataset, x.split, x.clip_id, x.path, x.reason, x.dataset_fingerprint, x.decoded_fingerprint
FROM excluded_clip AS x
JOIN dataset AS d ON d.fingerprint = x.dataset_fingerprint
ORDER BY d.name, x.dataset_fingerprint, x.decoded_fingerprint, x.split, x.clip_id;

-- One row per training that no suite wants any more: what was there before a method or a setting was changed. Reports
-- show none of them.
CREATE VIEW history AS
SELECT substr(t.key, 1, 12) AS id, t.status, t.label AS method, d.name AS dataset, t.direction, t.student_model, t.seed,
       t.shared_code, t.key
FROM training AS t
JOIN dataset AS d ON d.fingerprint = t.dataset_fingerprint
WHERE NOT EXISTS (SELECT 1 FROM suite_link AS l WHERE l.training_key = t.key)
  AND NOT EXISTS (SELECT 1 FROM training AS s JOIN suite_link AS l ON l.training_key = s.key WHERE s.teacher_key = t.key)
ORDER BY d.name, t.dataset_fingerprint, t.direction, t.student_model, t.label, t.seed, t.key;
