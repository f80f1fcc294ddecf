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
