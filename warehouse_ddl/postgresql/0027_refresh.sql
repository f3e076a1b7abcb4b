-- Each refresh of the Power BI dataset that was asked for: by which run, of what, and how it ended.
-- Written by hand, like the core. `first_day` to `last_day` are the event dates it reads again, and
-- restatements up to `covers_until` are in it once it completed. `state` is null until it ended.
CREATE TABLE ops.refresh (
    refresh_id text PRIMARY KEY,
    asked_for text NOT NULL,
    asked_at timestamptz NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    covers_until timestamptz NOT NULL,
    partitions boolean NOT NULL,
    request_id text,
    ended_at timestamptz,
    state text,
    why text
);
CREATE INDEX refresh_asked ON ops.refresh (asked_for, asked_at);
