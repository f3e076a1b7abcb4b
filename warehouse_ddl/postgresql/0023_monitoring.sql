-- How good learned models are, day by day of event time, and what was found when somebody looked.
-- Written by hand, like the core.

-- Days whose errors are summed up: how many readings the day had then, up to when labels were known,
-- and how many of its readings had no prediction.
CREATE TABLE ops.model_day (
    model text NOT NULL,
    event_date date NOT NULL,
    readings bigint NOT NULL,
    known_until timestamptz NOT NULL,
    unscored bigint NOT NULL,
    PRIMARY KEY (model, event_date)
);

-- Sums of what a version predicted less what was true, over the readings of a day whose label is known.
CREATE TABLE ops.model_error (
    model text NOT NULL,
    event_date date NOT NULL,
    version integer NOT NULL,
    predictions bigint NOT NULL,
    absolute double precision NOT NULL,
    squared double precision NOT NULL,
    signed double precision NOT NULL,
    PRIMARY KEY (model, event_date, version)
);

-- Each look at a model. `event_time` is the newest stored, `error` the mean absolute error of the
-- `labels` that became known in the three days before it, in the target's unit.
CREATE TABLE ops.model_check (
    check_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    model text NOT NULL,
    event_time timestamptz NOT NULL,
    version integer,
    labels bigint NOT NULL,
    error double precision,
    drift_above double precision NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('quiet', 'drift', 'no champion', 'returned', 'registry away')),
    reason text NOT NULL
);
CREATE INDEX model_check_model ON ops.model_check (model, check_id);

-- How far a champion's inputs of the last three days are from those it was trained on: the
-- Kolmogorov-Smirnov distance, 0 (alike) to 1 (apart).
CREATE TABLE ops.model_input (
    model text NOT NULL,
    version integer NOT NULL,
    event_time timestamptz NOT NULL,
    field text NOT NULL,
    distance double precision NOT NULL,
    PRIMARY KEY (model, version, event_time, field)
);

-- Per version and, where version is null, over all of them: the day, and the three days that end with it.
CREATE VIEW report.model_error AS
SELECT e.model,
       e.version,
       e.event_date,
       e.predictions,
       e.absolute / e.predictions AS mae,
       sqrt(e.squared / e.predictions) AS rmse,
       e.signed / e.predictions AS bias,
       sum(e.absolute) OVER days / sum(e.predictions) OVER days AS rolling_mae,
       sqrt(sum(e.squared) OVER days / sum(e.predictions) OVER days) AS rolling_rmse,
       sum(e.signed) OVER days / sum(e.predictions) OVER days AS rolling_bias
FROM (SELECT model, version, event_date, predictions, absolute, squared, signed
      FROM ops.model_error
      UNION ALL
      SELECT model, NULL, event_date, sum(predictions)::bigint, sum(absolute), sum(squared), sum(signed)
      FROM ops.model_error
      GROUP BY model, event_date) e
WINDOW days AS (PARTITION BY e.model, e.version ORDER BY e.event_date
                RANGE BETWEEN interval '2 days' PRECEDING AND CURRENT ROW);

CREATE VIEW report.model_check AS
SELECT model, at, event_time, version, labels, error, drift_above, outcome, reason
FROM ops.model_check;

CREATE VIEW report.model_input AS
SELECT model, version, event_time, field, distance
FROM ops.model_input;
