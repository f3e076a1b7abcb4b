-- Each refresh of the Power BI dataset that was asked for: by which run, of what, and how it ended.
-- Written by hand, like the core. `first_day` to `last_day` are the event dates it reads again, and
-- restatements up to `covers_until` are in it once it completed. `state` is null until it ended.
CREATE TABLE ops.refresh (
    refresh_id nvarchar(64) COLLATE Latin1_General_100_BIN2 NOT NULL CONSTRAINT refresh_key PRIMARY KEY,
    asked_for nvarchar(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
    asked_at datetime2(3) NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    covers_until datetime2(3) NOT NULL,
    partitions bit NOT NULL,
    request_id nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    ended_at datetime2(3) NULL,
    state nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    why nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL
);
CREATE INDEX refresh_asked ON ops.refresh (asked_for, asked_at);
GO
