-- Each compaction and each expiry of one month of a fact table: who, when, what was done, and what it
-- gave. Written by hand, like the core. Groups are row groups here and pages in PostgreSQL; `marker` is
-- how the month looked to the database then: while it looks the same, there is nothing to do.
CREATE TABLE ops.compaction (
    compaction_id nvarchar(64) COLLATE Latin1_General_100_BIN2 NOT NULL CONSTRAINT compaction_key PRIMARY KEY,
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    table_name nvarchar(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    month date NOT NULL,
    compacted_at datetime2(3) NOT NULL CONSTRAINT compaction_compacted_at_default DEFAULT SYSUTCDATETIME(),
    person nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    steps nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    marker nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    rows_before bigint NOT NULL,
    rows_after bigint NOT NULL,
    groups_before bigint NOT NULL,
    groups_after bigint NOT NULL,
    dead_before bigint NOT NULL,
    dead_after bigint NOT NULL,
    bytes_before bigint NOT NULL,
    bytes_after bigint NOT NULL,
    query_ms_before float(53) NULL,
    query_ms_after float(53) NULL,
    seconds float(53) NOT NULL
);
CREATE INDEX compaction_month ON ops.compaction (table_name, month, compacted_at);
GO

CREATE VIEW report.compaction AS
SELECT feed, table_name, month, compacted_at, person, steps,
       rows_before, rows_after,
       groups_before, groups_after,
       ROUND(CAST(rows_before AS float(53)) / NULLIF(groups_before, 0), 1) AS rows_per_group_before,
       ROUND(CAST(rows_after AS float(53)) / NULLIF(groups_after, 0), 1) AS rows_per_group_after,
       ROUND(CAST(dead_before AS float(53)) / NULLIF(rows_before + dead_before, 0), 4) AS dead_share_before,
       ROUND(CAST(dead_after AS float(53)) / NULLIF(rows_after + dead_after, 0), 4) AS dead_share_after,
       ROUND(CAST(bytes_before AS float(53)) / NULLIF(rows_before, 0), 1) AS bytes_per_row_before,
       ROUND(CAST(bytes_after AS float(53)) / NULLIF(rows_after, 0), 1) AS bytes_per_row_after,
       query_ms_before, query_ms_after, seconds
FROM ops.compaction;
GO
