-- What each reconciliation of a feed found, and when each day was last counted and found right.
-- Written by hand, like the core.

CREATE TABLE ops.reconciliation (
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    at datetime2(3) NOT NULL CONSTRAINT reconciliation_at_default DEFAULT SYSUTCDATETIME(),
    is_full bit NOT NULL,
    seconds float(53) NOT NULL,
    messages_read bigint NOT NULL,
    stored bigint NOT NULL,
    copies bigint NOT NULL,
    conflicts bigint NOT NULL,
    quarantined bigint NOT NULL,
    control bigint NOT NULL,
    gap_offsets bigint NOT NULL,
    overlap_offsets bigint NOT NULL,
    lag_messages bigint NULL,
    unaccounted nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    CONSTRAINT reconciliation_key PRIMARY KEY (feed, at)
);

-- A day whose count differs from the one here is counted again by the next hourly run.
CREATE TABLE ops.reconciled_day (
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    event_date date NOT NULL,
    readings bigint NOT NULL,
    counted_at datetime2(3) NOT NULL CONSTRAINT reconciled_day_counted_at_default DEFAULT SYSUTCDATETIME(),
    CONSTRAINT reconciled_day_key PRIMARY KEY (feed, event_date)
);
