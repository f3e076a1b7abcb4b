-- How good learned models are, day by day of event time, and what was found when somebody looked.
-- Written by hand, like the core.

-- Days whose errors are summed up: how many readings the day had then, up to when labels were known,
-- and how many of its readings had no prediction.
CREATE TABLE ops.model_day (
    model nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    event_date date NOT NULL,
    readings bigint NOT NULL,
    known_until datetime2(3) NOT NULL,
    unscored bigint NOT NULL,
    CONSTRAINT model_day_key PRIMARY KEY (model, event_date)
);

-- Sums of what a version predicted less what was true, over the readings of a day whose label is known.
CREATE TABLE ops.model_error (
    model nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    event_date date NOT NULL,
    version int NOT NULL,
    predictions bigint NOT NULL,
    absolute float(53) NOT NULL,
    squared float(53) NOT NULL,
    signed float(53) NOT NULL,
    CONSTRAINT model_error_key PRIMARY KEY (model, event_date, version)
);

-- Each look at a model. `event_time` is the newest stored, `error` the mean absolute error of the
-- `labels` that became known in the three days before it, in the target's unit.
CREATE TABLE ops.model_check (
    check_id bigint IDENTITY (1, 1) NOT NULL CONSTRAINT model_check_key PRIMARY KEY,
    at datetime2(3) NOT NULL CONSTRAINT model_check_at_default DEFAULT SYSUTCDATETIME(),
    model nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    event_time datetime2(3) NOT NULL,
    version int NULL,
    labels bigint NOT NULL,
    error float(53) NULL,
    drift_above float(53) NOT NULL,
    outcome nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL
        CONSTRAINT model_check_outcome_check CHECK (outcome IN (N'quiet', N'drift', N'no champion', N'returned', N'registry away')),
    reason nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL
);
CREATE INDEX model_check_model ON ops.model_check (model, check_id);

-- How far a champion's inputs of the last three days are from those it was trained on: the
-- Kolmogorov-Smirnov distance, 0 (alike) to 1 (apart).
CREATE TABLE ops.model_input (
    model nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    version int NOT NULL,
    event_time datetime2(3) NOT NULL,
    field nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    distance float(53) NOT NULL,
    CONSTRAINT model_input_key PRIMARY KEY (model, version, event_time, field)
);

GO

-- Per version and, where version is null, over all of them: the day, and the three days that end with it.
CREATE VIEW report.model_error AS
WITH days AS (
    SELECT model, version, event_date, predictions, absolute, squared, signed
    FROM ops.model_error
    UNION ALL
    SELECT model, NULL, event_date, SUM(predictions), SUM(absolute), SUM(squared), SUM(signed)
    FROM ops.model_error
    GROUP BY model, event_date
)
SELECT e.model,
       e.version,
       e.event_date,
       e.predictions,
       e.absolute / e.predictions AS mae,
       SQRT(e.squared / e.predictions) AS rmse,
       e.signed / e.predictions AS bias,
       d.absolute / d.predictions AS rolling_mae,
       SQRT(d.squared / d.predictions) AS rolling_rmse,
       d.signed / d.predictions AS rolling_bias
FROM days e
CROSS APPLY (SELECT SUM(w.predictions) AS predictions, SUM(w.absolute) AS absolute,
                    SUM(w.squared) AS squared, SUM(w.signed) AS signed
             FROM days w
             WHERE w.model = e.model
               AND (w.version = e.version OR (w.version IS NULL AND e.version IS NULL))
               AND w.event_date BETWEEN DATEADD(day, -2, e.event_date) AND e.event_date) d;
GO

CREATE VIEW report.model_check AS
SELECT model, at, event_time, version, labels, error, drift_above, outcome, reason
FROM ops.model_check;
GO

CREATE VIEW report.model_input AS
SELECT model, version, event_time, field, distance
FROM ops.model_input;
GO
