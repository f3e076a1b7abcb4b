-- Each compaction and each expiry of one month of a fact table: who, when, what was done, and what it
-- gave. Written by hand, like the core. Groups are pages here and row groups in SQL Server; `marker` is
-- how the month looked to the database then: while it looks the same, there is nothing to do.
CREATE TABLE ops.compaction (
    compaction_id text PRIMARY KEY,
    feed text NOT NULL,
    table_name text NOT NULL,
    month date NOT NULL,
    compacted_at timestamptz NOT NULL DEFAULT now(),
    person text NOT NULL,
    steps text NOT NULL,
    marker text NOT NULL,
    rows_before bigint NOT NULL,
    rows_after bigint NOT NULL,
    groups_before bigint NOT NULL,
    groups_after bigint NOT NULL,
    dead_before bigint NOT NULL,
    dead_after bigint NOT NULL,
    bytes_before bigint NOT NULL,
    bytes_after bigint NOT NULL,
    query_ms_before double precision,
    query_ms_after double precision,
    seconds double precision NOT NULL
);
CREATE INDEX compaction_month ON ops.compaction (table_name, month, compacted_at);

CREATE VIEW report.compaction AS
SELECT feed, table_name, month, compacted_at, person, steps,
       rows_before, rows_after,
       groups_before, groups_after,
       round(rows_before / nullif(groups_before, 0)::numeric, 1) AS rows_per_group_before,
       round(rows_after / nullif(groups_after, 0)::numeric, 1) AS rows_per_group_after,
       round(dead_before / nullif(rows_before + dead_before, 0)::numeric, 4) AS dead_share_before,
       round(dead_after / nullif(rows_after + dead_after, 0)::numeric, 4) AS dead_share_after,
       round(bytes_before / nullif(rows_before, 0)::numeric, 1) AS bytes_per_row_before,
       round(bytes_after / nullif(rows_after, 0)::numeric, 1) AS bytes_per_row_after,
       query_ms_before, query_ms_after, seconds
FROM ops.compaction;
