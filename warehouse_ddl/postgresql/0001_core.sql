-- The core: schemas, group roles, and the tables that every feed shares.
-- Written by hand, once. Per-feed tables follow in files that `vigie warehouse plan` writes.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'vigie_ingest') THEN
        CREATE ROLE vigie_ingest NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'vigie_report') THEN
        CREATE ROLE vigie_report NOLOGIN;
    END IF;
END $$;

CREATE SCHEMA dim;
CREATE SCHEMA fact;
CREATE SCHEMA report;
CREATE SCHEMA stage;

GRANT USAGE ON SCHEMA dim, fact, ops, stage TO vigie_ingest;
GRANT USAGE ON SCHEMA report, ops TO vigie_report;
ALTER DEFAULT PRIVILEGES IN SCHEMA dim, fact, ops, stage
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO vigie_ingest;
ALTER DEFAULT PRIVILEGES IN SCHEMA report, ops GRANT SELECT ON TABLES TO vigie_report;
ALTER DEFAULT PRIVILEGES IN SCHEMA report GRANT SELECT ON TABLES TO vigie_ingest;
GRANT USAGE ON SCHEMA report TO vigie_ingest;
GRANT SELECT ON ops.migration TO vigie_ingest, vigie_report;

-- dim: every string the facts refer to by number -----------------------------------------------

CREATE TABLE dim.sensor (
    sensor_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed text NOT NULL,
    sensor text NOT NULL,
    first_seen timestamptz NOT NULL DEFAULT now(),
    UNIQUE (feed, sensor)
);

CREATE TABLE dim.status (
    status_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed text NOT NULL,
    status text NOT NULL,
    level text NOT NULL CHECK (level IN ('ok', 'warning', 'fault')),
    UNIQUE (feed, status)
);

CREATE TABLE dim.rule (
    rule_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed text NOT NULL,
    rule text NOT NULL,
    severity text NOT NULL,
    field text NOT NULL,
    UNIQUE (feed, rule)
);

-- fact shared by all feeds ------------------------------------------------------------------------

CREATE TABLE fact.alert (
    rule_id integer NOT NULL,
    sensor_id integer NOT NULL,
    event_time timestamptz NOT NULL,
    value double precision,
    is_late boolean NOT NULL,
    batch_no bigint NOT NULL,
    PRIMARY KEY (rule_id, sensor_id, event_time)
) PARTITION BY RANGE (event_time);
CREATE INDEX alert_event_time ON fact.alert USING brin (event_time);

-- ops: streams, launches, the ledger ----------------------------------------------------------------

CREATE TABLE ops.stream (
    feed text PRIMARY KEY,
    desired text NOT NULL CHECK (desired IN ('running', 'stopped')),
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);

-- When somebody last watched the stream; a row of its own, so that watching never waits for a change.
CREATE TABLE ops.watch (
    feed text PRIMARY KEY,
    watched_at timestamptz NOT NULL
);

CREATE TABLE ops.launch (
    feed text NOT NULL,
    launch integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    contract_hash text NOT NULL,
    code_version text NOT NULL,
    submission_id text,
    submitted_at timestamptz,
    token text,
    claimed_at timestamptz,
    first_commit_at timestamptz,
    ended_at timestamptz,
    outcome text,
    error_class text,
    error_message text,
    error_tail text,
    PRIMARY KEY (feed, launch)
);

CREATE TABLE ops.launch_session (
    feed text NOT NULL,
    launch integer NOT NULL,
    session_id bigint NOT NULL,
    started_at timestamptz NOT NULL,
    PRIMARY KEY (feed, launch, session_id, started_at)
);

-- The fence: the one launch that may write, and the stream's batch sequence.
CREATE TABLE ops.fence (
    feed text PRIMARY KEY,
    launch integer NOT NULL,
    token text NOT NULL,
    batch_no bigint NOT NULL
);

CREATE TABLE ops.heartbeat (
    feed text PRIMARY KEY,
    launch integer NOT NULL,
    beat_at timestamptz NOT NULL,
    phase text NOT NULL,
    progress bigint NOT NULL,
    progress_at timestamptz NOT NULL,
    lag_messages bigint,
    lag_seconds double precision
);

-- A recorded request against one launch; honoured once by whoever watches next.
CREATE TABLE ops.launch_request (
    feed text NOT NULL,
    launch integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('restart', 'stop')),
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (feed, launch)
);

CREATE TABLE ops.stream_event (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    kind text NOT NULL,
    person text NOT NULL,
    detail text
);

CREATE TABLE ops.ledger (
    feed text NOT NULL,
    topic_id text NOT NULL,
    kafka_partition integer NOT NULL,
    begin_offset bigint NOT NULL,
    end_offset bigint NOT NULL,
    batch_no bigint NOT NULL,
    launch integer NOT NULL,
    messages_read bigint NOT NULL,
    stored bigint NOT NULL,
    copies bigint NOT NULL,
    conflicts bigint NOT NULL,
    quarantined bigint NOT NULL,
    control bigint NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (feed, topic_id, kafka_partition, begin_offset),
    CHECK (end_offset > begin_offset),
    CHECK (messages_read + control = end_offset - begin_offset),
    CHECK (messages_read = stored + copies + conflicts + quarantined)
);
CREATE UNIQUE INDEX ledger_end ON ops.ledger (feed, topic_id, kafka_partition, end_offset);
CREATE INDEX ledger_batch ON ops.ledger (feed, batch_no);

-- Ranges the ledger can never have; the stream waits until somebody accepts them.
CREATE TABLE ops.gap (
    feed text NOT NULL,
    topic_id text NOT NULL,
    kafka_partition integer NOT NULL,
    begin_offset bigint NOT NULL,
    end_offset bigint NOT NULL,
    reason text NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now(),
    accepted_by text,
    accepted_at timestamptz,
    PRIMARY KEY (feed, topic_id, kafka_partition, begin_offset)
);

-- Last event times choose the loading path; they only rise and feed no view.
CREATE TABLE ops.sensor_clock (
    sensor_id integer PRIMARY KEY,
    feed text NOT NULL,
    last_event_time timestamptz NOT NULL
);

CREATE TABLE ops.day_count (
    feed text NOT NULL,
    event_date date NOT NULL,
    stored bigint NOT NULL,
    restated bigint NOT NULL,
    expired bigint NOT NULL,
    PRIMARY KEY (feed, event_date)
);

CREATE TABLE ops.quarantine (
    feed text NOT NULL,
    topic_id text NOT NULL,
    kafka_partition integer NOT NULL,
    kafka_offset bigint NOT NULL,
    append_time timestamptz NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    sensor text,
    event_time timestamptz,
    raw bytea,
    raw_length bigint,
    raw_sha256 text,
    batch_no bigint NOT NULL,
    quarantined_at timestamptz NOT NULL DEFAULT now(),
    released_at timestamptz,
    PRIMARY KEY (feed, topic_id, kafka_partition, kafka_offset)
);
CREATE INDEX quarantine_recent ON ops.quarantine (feed, quarantined_at);

-- Makes one month of a partitioned fact table. Runs with the owner's rights, so that the role that
-- loads may not create anything else. CREATE TABLE ... PARTITION OF would wait behind every open
-- reader; a plain table that is then attached does not.
CREATE FUNCTION ops.ensure_month(fact_table text, any_day date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET lock_timeout = '5s' AS $$
DECLARE
    month_start constant date := date_trunc('month', any_day)::date;
    month_end constant date := (month_start + interval '1 month')::date;
    month_table constant text := fact_table || '_' || to_char(month_start, 'YYYYMM');
BEGIN
    IF to_regclass(format('fact.%I', month_table)) IS NOT NULL THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('vigie ' || month_table));
    IF to_regclass(format('fact.%I', month_table)) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE fact.%I (LIKE fact.%I INCLUDING ALL)', month_table, fact_table);
    EXECUTE format('ALTER TABLE fact.%I ATTACH PARTITION fact.%I FOR VALUES FROM (%L) TO (%L)',
                   fact_table, month_table,
                   month_start::timestamp AT TIME ZONE 'UTC', month_end::timestamp AT TIME ZONE 'UTC');
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON fact.%I TO vigie_ingest', month_table);
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION ops.ensure_month(text, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ops.ensure_month(text, date) TO vigie_ingest;

CREATE VIEW report.quarantine AS
SELECT feed, kafka_partition, kafka_offset, append_time, reason, detail, sensor, event_time,
       raw_length, quarantined_at, released_at
FROM ops.quarantine;
