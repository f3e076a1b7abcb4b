-- The core: schemas, roles, months, and the tables that every feed shares. SQL Server 2019 or later.
-- Written by hand, once. Per-feed tables follow in files that `vigie warehouse plan` writes.
--
-- Run it in a database of its own, made WITH READ_COMMITTED_SNAPSHOT ON, so that readers of `report`
-- never wait for a load. Whoever runs the first file is db_owner there; later ones need vigie_migrate.
-- All schemas belong to dbo: what a view of `report` reads, its reader need not have been granted.

CREATE SCHEMA dim;
GO
CREATE SCHEMA fact;
GO
CREATE SCHEMA report;
GO
CREATE SCHEMA stage;
GO

-- Who loads: the streams, restatement, roll-ups.
CREATE ROLE vigie_ingest;
-- Who keeps facts dense and lets them expire: ALTER is what rebuilding an index, truncating a
-- partition or clearing a stage takes.
CREATE ROLE vigie_transform;
-- Who reads: Power BI, the pages, the ingest API.
CREATE ROLE vigie_report;
-- Who runs these files.
CREATE ROLE vigie_migrate;
GO

GRANT SELECT, INSERT, UPDATE, DELETE ON SCHEMA::dim TO vigie_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON SCHEMA::fact TO vigie_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON SCHEMA::ops TO vigie_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON SCHEMA::stage TO vigie_ingest;
GRANT SELECT ON SCHEMA::report TO vigie_ingest;

GRANT SELECT ON SCHEMA::dim TO vigie_transform;
GRANT SELECT, INSERT, UPDATE, DELETE, ALTER ON SCHEMA::fact TO vigie_transform;
GRANT SELECT, INSERT, UPDATE, DELETE ON SCHEMA::ops TO vigie_transform;
GRANT SELECT, INSERT, UPDATE, DELETE, ALTER ON SCHEMA::stage TO vigie_transform;
-- Splitting off the next month.
GRANT ALTER ANY DATASPACE TO vigie_transform;
-- What compaction measures: sys.dm_db_column_store_row_group_physical_stats.
GRANT VIEW DATABASE STATE TO vigie_transform;

GRANT SELECT ON SCHEMA::report TO vigie_report;
GRANT SELECT ON SCHEMA::ops TO vigie_report;

GRANT CONTROL ON SCHEMA::dim TO vigie_migrate;
GRANT CONTROL ON SCHEMA::fact TO vigie_migrate;
GRANT CONTROL ON SCHEMA::ops TO vigie_migrate;
GRANT CONTROL ON SCHEMA::report TO vigie_migrate;
GRANT CONTROL ON SCHEMA::stage TO vigie_migrate;
GRANT CREATE TABLE, CREATE VIEW, CREATE FUNCTION, ALTER ANY DATASPACE TO vigie_migrate;
GO

-- Months: every partitioned table lies on this scheme. RANGE RIGHT: a month begins with its boundary.
-- All there may be readings of, up to the end of 2030, are made at once; the last partition stays
-- empty, since splitting one that holds rows would move them.
CREATE PARTITION FUNCTION vigie_month (datetime2(3)) AS RANGE RIGHT FOR VALUES (
    '2000-01-01', '2000-02-01', '2000-03-01', '2000-04-01', '2000-05-01', '2000-06-01',
    '2000-07-01', '2000-08-01', '2000-09-01', '2000-10-01', '2000-11-01', '2000-12-01',
    '2001-01-01', '2001-02-01', '2001-03-01', '2001-04-01', '2001-05-01', '2001-06-01',
    '2001-07-01', '2001-08-01', '2001-09-01', '2001-10-01', '2001-11-01', '2001-12-01',
    '2002-01-01', '2002-02-01', '2002-03-01', '2002-04-01', '2002-05-01', '2002-06-01',
    '2002-07-01', '2002-08-01', '2002-09-01', '2002-10-01', '2002-11-01', '2002-12-01',
    '2003-01-01', '2003-02-01', '2003-03-01', '2003-04-01', '2003-05-01', '2003-06-01',
    '2003-07-01', '2003-08-01', '2003-09-01', '2003-10-01', '2003-11-01', '2003-12-01',
    '2004-01-01', '2004-02-01', '2004-03-01', '2004-04-01', '2004-05-01', '2004-06-01',
    '2004-07-01', '2004-08-01', '2004-09-01', '2004-10-01', '2004-11-01', '2004-12-01',
    '2005-01-01', '2005-02-01', '2005-03-01', '2005-04-01', '2005-05-01', '2005-06-01',
    '2005-07-01', '2005-08-01', '2005-09-01', '2005-10-01', '2005-11-01', '2005-12-01',
    '2006-01-01', '2006-02-01', '2006-03-01', '2006-04-01', '2006-05-01', '2006-06-01',
    '2006-07-01', '2006-08-01', '2006-09-01', '2006-10-01', '2006-11-01', '2006-12-01',
    '2007-01-01', '2007-02-01', '2007-03-01', '2007-04-01', '2007-05-01', '2007-06-01',
    '2007-07-01', '2007-08-01', '2007-09-01', '2007-10-01', '2007-11-01', '2007-12-01',
    '2008-01-01', '2008-02-01', '2008-03-01', '2008-04-01', '2008-05-01', '2008-06-01',
    '2008-07-01', '2008-08-01', '2008-09-01', '2008-10-01', '2008-11-01', '2008-12-01',
    '2009-01-01', '2009-02-01', '2009-03-01', '2009-04-01', '2009-05-01', '2009-06-01',
    '2009-07-01', '2009-08-01', '2009-09-01', '2009-10-01', '2009-11-01', '2009-12-01',
    '2010-01-01', '2010-02-01', '2010-03-01', '2010-04-01', '2010-05-01', '2010-06-01',
    '2010-07-01', '2010-08-01', '2010-09-01', '2010-10-01', '2010-11-01', '2010-12-01',
    '2011-01-01', '2011-02-01', '2011-03-01', '2011-04-01', '2011-05-01', '2011-06-01',
    '2011-07-01', '2011-08-01', '2011-09-01', '2011-10-01', '2011-11-01', '2011-12-01',
    '2012-01-01', '2012-02-01', '2012-03-01', '2012-04-01', '2012-05-01', '2012-06-01',
    '2012-07-01', '2012-08-01', '2012-09-01', '2012-10-01', '2012-11-01', '2012-12-01',
    '2013-01-01', '2013-02-01', '2013-03-01', '2013-04-01', '2013-05-01', '2013-06-01',
    '2013-07-01', '2013-08-01', '2013-09-01', '2013-10-01', '2013-11-01', '2013-12-01',
    '2014-01-01', '2014-02-01', '2014-03-01', '2014-04-01', '2014-05-01', '2014-06-01',
    '2014-07-01', '2014-08-01', '2014-09-01', '2014-10-01', '2014-11-01', '2014-12-01',
    '2015-01-01', '2015-02-01', '2015-03-01', '2015-04-01', '2015-05-01', '2015-06-01',
    '2015-07-01', '2015-08-01', '2015-09-01', '2015-10-01', '2015-11-01', '2015-12-01',
    '2016-01-01', '2016-02-01', '2016-03-01', '2016-04-01', '2016-05-01', '2016-06-01',
    '2016-07-01', '2016-08-01', '2016-09-01', '2016-10-01', '2016-11-01', '2016-12-01',
    '2017-01-01', '2017-02-01', '2017-03-01', '2017-04-01', '2017-05-01', '2017-06-01',
    '2017-07-01', '2017-08-01', '2017-09-01', '2017-10-01', '2017-11-01', '2017-12-01',
    '2018-01-01', '2018-02-01', '2018-03-01', '2018-04-01', '2018-05-01', '2018-06-01',
    '2018-07-01', '2018-08-01', '2018-09-01', '2018-10-01', '2018-11-01', '2018-12-01',
    '2019-01-01', '2019-02-01', '2019-03-01', '2019-04-01', '2019-05-01', '2019-06-01',
    '2019-07-01', '2019-08-01', '2019-09-01', '2019-10-01', '2019-11-01', '2019-12-01',
    '2020-01-01', '2020-02-01', '2020-03-01', '2020-04-01', '2020-05-01', '2020-06-01',
    '2020-07-01', '2020-08-01', '2020-09-01', '2020-10-01', '2020-11-01', '2020-12-01',
    '2021-01-01', '2021-02-01', '2021-03-01', '2021-04-01', '2021-05-01', '2021-06-01',
    '2021-07-01', '2021-08-01', '2021-09-01', '2021-10-01', '2021-11-01', '2021-12-01',
    '2022-01-01', '2022-02-01', '2022-03-01', '2022-04-01', '2022-05-01', '2022-06-01',
    '2022-07-01', '2022-08-01', '2022-09-01', '2022-10-01', '2022-11-01', '2022-12-01',
    '2023-01-01', '2023-02-01', '2023-03-01', '2023-04-01', '2023-05-01', '2023-06-01',
    '2023-07-01', '2023-08-01', '2023-09-01', '2023-10-01', '2023-11-01', '2023-12-01',
    '2024-01-01', '2024-02-01', '2024-03-01', '2024-04-01', '2024-05-01', '2024-06-01',
    '2024-07-01', '2024-08-01', '2024-09-01', '2024-10-01', '2024-11-01', '2024-12-01',
    '2025-01-01', '2025-02-01', '2025-03-01', '2025-04-01', '2025-05-01', '2025-06-01',
    '2025-07-01', '2025-08-01', '2025-09-01', '2025-10-01', '2025-11-01', '2025-12-01',
    '2026-01-01', '2026-02-01', '2026-03-01', '2026-04-01', '2026-05-01', '2026-06-01',
    '2026-07-01', '2026-08-01', '2026-09-01', '2026-10-01', '2026-11-01', '2026-12-01',
    '2027-01-01', '2027-02-01', '2027-03-01', '2027-04-01', '2027-05-01', '2027-06-01',
    '2027-07-01', '2027-08-01', '2027-09-01', '2027-10-01', '2027-11-01', '2027-12-01',
    '2028-01-01', '2028-02-01', '2028-03-01', '2028-04-01', '2028-05-01', '2028-06-01',
    '2028-07-01', '2028-08-01', '2028-09-01', '2028-10-01', '2028-11-01', '2028-12-01',
    '2029-01-01', '2029-02-01', '2029-03-01', '2029-04-01', '2029-05-01', '2029-06-01',
    '2029-07-01', '2029-08-01', '2029-09-01', '2029-10-01', '2029-11-01', '2029-12-01',
    '2030-01-01', '2030-02-01', '2030-03-01', '2030-04-01', '2030-05-01', '2030-06-01',
    '2030-07-01', '2030-08-01', '2030-09-01', '2030-10-01', '2030-11-01', '2030-12-01',
    '2031-01-01'
);
CREATE PARTITION SCHEME vigie_month AS PARTITION vigie_month ALL TO ([PRIMARY]);
GO

-- dim: every string the facts refer to by number ---------------------------------------------------

CREATE TABLE dim.sensor (
    sensor_id int IDENTITY (1, 1) NOT NULL CONSTRAINT sensor_key PRIMARY KEY,
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    sensor nvarchar(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
    first_seen datetime2(3) NOT NULL CONSTRAINT sensor_first_seen_default DEFAULT SYSUTCDATETIME(),
    CONSTRAINT sensor_name UNIQUE (feed, sensor)
);

CREATE TABLE dim.status (
    status_id int IDENTITY (1, 1) NOT NULL CONSTRAINT status_key PRIMARY KEY,
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    status nvarchar(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    level nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL
        CONSTRAINT status_level_check CHECK (level IN (N'ok', N'warning', N'fault')),
    CONSTRAINT status_name UNIQUE (feed, status)
);

CREATE TABLE dim.[rule] (
    rule_id int IDENTITY (1, 1) NOT NULL CONSTRAINT rule_key PRIMARY KEY,
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [rule] nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    severity nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    field nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT rule_name UNIQUE (feed, [rule])
);

-- fact shared by all feeds ------------------------------------------------------------------------

CREATE TABLE fact.alert (
    rule_id int NOT NULL,
    sensor_id int NOT NULL,
    event_time datetime2(3) NOT NULL,
    value float(53) NULL,
    is_late bit NOT NULL,
    batch_no bigint NOT NULL,
    CONSTRAINT alert_key PRIMARY KEY NONCLUSTERED (rule_id, sensor_id, event_time)
        ON vigie_month (event_time)
) ON vigie_month (event_time);
CREATE CLUSTERED COLUMNSTORE INDEX alert_columns ON fact.alert ON vigie_month (event_time);

-- ops: streams, launches, the ledger ----------------------------------------------------------------

CREATE TABLE ops.stream (
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL CONSTRAINT stream_key PRIMARY KEY,
    desired nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL
        CONSTRAINT stream_desired_check CHECK (desired IN (N'running', N'stopped')),
    changed_by nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    changed_at datetime2(3) NOT NULL CONSTRAINT stream_changed_at_default DEFAULT SYSUTCDATETIME()
);

-- When somebody last watched the stream; a row of its own, so that watching never waits for a change.
CREATE TABLE ops.watch (
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL CONSTRAINT watch_key PRIMARY KEY,
    watched_at datetime2(3) NOT NULL
);

CREATE TABLE ops.launch (
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    launch int NOT NULL,
    created_at datetime2(3) NOT NULL CONSTRAINT launch_created_at_default DEFAULT SYSUTCDATETIME(),
    contract_hash nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    code_version nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    submission_id nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    submitted_at datetime2(3) NULL,
    token nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    claimed_at datetime2(3) NULL,
    first_commit_at datetime2(3) NULL,
    ended_at datetime2(3) NULL,
    outcome nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    error_class nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    error_message nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    error_tail nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    CONSTRAINT launch_key PRIMARY KEY (feed, launch)
);

CREATE TABLE ops.launch_session (
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    launch int NOT NULL,
    session_id bigint NOT NULL,
    started_at datetime2(3) NOT NULL,
    CONSTRAINT launch_session_key PRIMARY KEY (feed, launch, session_id, started_at)
);

-- The fence: the one launch that may write, and the stream's batch sequence.
CREATE TABLE ops.fence (
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL CONSTRAINT fence_key PRIMARY KEY,
    launch int NOT NULL,
    token nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    batch_no bigint NOT NULL
);

CREATE TABLE ops.heartbeat (
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL CONSTRAINT heartbeat_key PRIMARY KEY,
    launch int NOT NULL,
    beat_at datetime2(3) NOT NULL,
    phase nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    progress bigint NOT NULL,
    progress_at datetime2(3) NOT NULL,
    lag_messages bigint NULL,
    lag_seconds float(53) NULL
);

-- A recorded request against one launch; honoured once by whoever watches next.
CREATE TABLE ops.launch_request (
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    launch int NOT NULL,
    kind nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL
        CONSTRAINT launch_request_kind_check CHECK (kind IN (N'restart', N'stop')),
    requested_by nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    requested_at datetime2(3) NOT NULL CONSTRAINT launch_request_requested_at_default DEFAULT SYSUTCDATETIME(),
    CONSTRAINT launch_request_key PRIMARY KEY (feed, launch)
);

CREATE TABLE ops.stream_event (
    event_id bigint IDENTITY (1, 1) NOT NULL CONSTRAINT stream_event_key PRIMARY KEY,
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    at datetime2(3) NOT NULL CONSTRAINT stream_event_at_default DEFAULT SYSUTCDATETIME(),
    kind nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    person nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    detail nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL
);

CREATE TABLE ops.ledger (
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    topic_id nvarchar(64) COLLATE Latin1_General_100_BIN2 NOT NULL,
    kafka_partition int NOT NULL,
    begin_offset bigint NOT NULL,
    end_offset bigint NOT NULL,
    batch_no bigint NOT NULL,
    launch int NOT NULL,
    messages_read bigint NOT NULL,
    stored bigint NOT NULL,
    copies bigint NOT NULL,
    conflicts bigint NOT NULL,
    quarantined bigint NOT NULL,
    control bigint NOT NULL,
    committed_at datetime2(3) NOT NULL CONSTRAINT ledger_committed_at_default DEFAULT SYSUTCDATETIME(),
    CONSTRAINT ledger_key PRIMARY KEY (feed, topic_id, kafka_partition, begin_offset),
    CONSTRAINT ledger_check_1 CHECK (end_offset > begin_offset),
    CONSTRAINT ledger_check_2 CHECK (messages_read + control = end_offset - begin_offset),
    CONSTRAINT ledger_check_3 CHECK (messages_read = stored + copies + conflicts + quarantined)
);
CREATE UNIQUE INDEX ledger_end ON ops.ledger (feed, topic_id, kafka_partition, end_offset);
CREATE INDEX ledger_batch ON ops.ledger (feed, batch_no);

-- Ranges the ledger can never have; the stream waits until somebody accepts them.
CREATE TABLE ops.gap (
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    topic_id nvarchar(64) COLLATE Latin1_General_100_BIN2 NOT NULL,
    kafka_partition int NOT NULL,
    begin_offset bigint NOT NULL,
    end_offset bigint NOT NULL,
    reason nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    found_at datetime2(3) NOT NULL CONSTRAINT gap_found_at_default DEFAULT SYSUTCDATETIME(),
    accepted_by nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    accepted_at datetime2(3) NULL,
    CONSTRAINT gap_key PRIMARY KEY (feed, topic_id, kafka_partition, begin_offset)
);

-- Last event times choose the loading path; they only rise and feed no view.
CREATE TABLE ops.sensor_clock (
    sensor_id int NOT NULL CONSTRAINT sensor_clock_key PRIMARY KEY,
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    last_event_time datetime2(3) NOT NULL
);

CREATE TABLE ops.day_count (
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    event_date date NOT NULL,
    stored bigint NOT NULL,
    restated bigint NOT NULL,
    expired bigint NOT NULL,
    CONSTRAINT day_count_key PRIMARY KEY (feed, event_date)
);

CREATE TABLE ops.quarantine (
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    topic_id nvarchar(64) COLLATE Latin1_General_100_BIN2 NOT NULL,
    kafka_partition int NOT NULL,
    kafka_offset bigint NOT NULL,
    append_time datetime2(3) NOT NULL,
    reason nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    detail nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    sensor nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    event_time datetime2(3) NULL,
    raw varbinary(max) NULL,
    raw_length bigint NULL,
    raw_sha256 nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    batch_no bigint NOT NULL,
    quarantined_at datetime2(3) NOT NULL CONSTRAINT quarantine_quarantined_at_default DEFAULT SYSUTCDATETIME(),
    released_at datetime2(3) NULL,
    CONSTRAINT quarantine_key PRIMARY KEY (feed, topic_id, kafka_partition, kafka_offset)
);
CREATE INDEX quarantine_recent ON ops.quarantine (feed, quarantined_at);

GO

-- The newest event time of each stream. Like a sensor's last event time, it only rises. The windows
-- of every feed read it, so it is made before them.
CREATE VIEW report.watermark AS
SELECT feed, MAX(last_event_time) AS watermark
FROM ops.sensor_clock
GROUP BY feed;
GO

-- A message may be any bytes. XML is what reads them as UTF-8; what is not, or holds characters that
-- XML has not, is shown in hexadecimal.
CREATE VIEW report.quarantine AS
SELECT feed, kafka_partition, kafka_offset, append_time, reason, detail, sensor, event_time,
       raw_length, quarantined_at, released_at,
       COALESCE(
           TRY_CAST(
               CAST('<?xml version="1.0" encoding="UTF-8"?><m><![CDATA[' AS varbinary(max)) + raw
               + CAST(']]></m>' AS varbinary(max)) AS xml
           ).value('(/m/text())[1]', 'nvarchar(max)'),
           CONVERT(nvarchar(max), raw, 1)) AS message
FROM ops.quarantine;
GO
