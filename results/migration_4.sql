-- From version 3 to 4: links carry what the plan knows. Run inside one transaction by results/schema.cpp; never edited
-- again, since it describes stores as they were and became.
--
-- Version 3 knew the facts of a run only by its training, and told the rest in the words of its commands and notes.
-- A link whose training is not there, or whose suite has no evaluation that tells the protocol, is dropped: every
-- `cmkd run` writes the links of its suite anew.

ALTER TABLE suite_link RENAME TO suite_link_3;
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

-- All links of a suite are of one plan, and so of one protocol. A trial's note had its number where others had the role.
INSERT INTO suite_link
SELECT l.suite, l.task,
       CASE l.condition WHEN '' THEN l.dataset ELSE substr(l.dataset, 1, length(l.dataset) - length(', ' || l.condition)) END,
       t.direction, p.protocol, l.primary_metric, l.method_order, t.method, t.control, t.label,
       CASE WHEN t.control <> '' THEN 'control'
            WHEN l.note IN ('lower bound', 'teacher', 'ceiling') THEN l.note
            WHEN l.note = 'uses both modalities' THEN 'upper bound'
            WHEN l.note NOT GLOB 'trial [0-9]*' THEN 'method'
            ELSE CASE t.method WHEN 'student' THEN 'lower bound' WHEN 'oracle_labels' THEN 'ceiling'
                               WHEN 'multimodal' THEN 'upper bound' ELSE 'method' END
       END,
       t.student_model, t.seed, CASE WHEN l.note GLOB 'trial [0-9]*' THEN CAST(substr(l.note, 7) AS INTEGER) END, l.fold,
       CASE l.condition WHEN '' THEN '' ELSE substr(l.condition, 1, instr(l.condition, ' = ') - 1) END,
       CASE l.condition WHEN '' THEN '' ELSE substr(l.condition, instr(l.condition, ' = ') + 3) END,
       l.level, l.training_key, l.evaluation_key, l.rerun_command, replace(l.rerun_command, ' --seed ' || t.seed, '')
FROM suite_link_3 AS l
JOIN training AS t ON t.key = l.training_key
JOIN (SELECT k.suite, k.task, min(e.protocol) AS protocol
      FROM suite_link_3 AS k JOIN evaluation AS e ON e.key = k.evaluation_key GROUP BY k.suite, k.task
      HAVING count(DISTINCT e.protocol) = 1) AS p
  ON p.suite = l.suite AND p.task = l.task;

DROP TABLE suite_link_3;
DELETE FROM suite WHERE name NOT IN (SELECT suite FROM suite_link);
CREATE INDEX suite_link_by_training ON suite_link (training_key, suite);

-- The width of a clip's row of scores: classes, an embedding's width, or a number of signals.
ALTER TABLE clip_output RENAME COLUMN classes TO width;
