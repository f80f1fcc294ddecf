-- From version 4 to 5: rows made elsewhere, and what makes a training again. Run inside one transaction by
-- results/schema.cpp; never edited again, since it describes stores as they were and became.
--
-- Which suite file and settings a training of version 4 came from is not known: the next `cmkd run` of its suite says.

ALTER TABLE suite_link RENAME TO suite_link_4;
DROP INDEX suite_link_by_training;

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

INSERT INTO suite_link
SELECT suite, task, dataset, direction, protocol, primary_metric, method_order, method, control, label, role,
       student_model, seed, trial, fold, swept_setting, swept_value, level, training_key, evaluation_key, rerun_command,
       row_rerun_command
FROM suite_link_4;

DROP TABLE suite_link_4;
CREATE INDEX suite_link_by_training ON suite_link (training_key, suite);

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
