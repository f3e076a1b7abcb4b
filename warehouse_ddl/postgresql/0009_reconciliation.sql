-- What each reconciliation of a feed found, and when each day was last counted and found right.
-- Written by hand, like the core.

CREATE TABLE ops.reconciliation (
    feed text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    is_full boolean NOT NULL,
    seconds double precision NOT NULL,
    messages_read bigint NOT NULL,
    stored bigint NOT NULL,
    copies bigint NOT NULL,
    conflicts bigint NOT NULL,
    quarantined bigint NOT NULL,
    control bigint NOT NULL,
    gap_offsets bigint NOT NULL,
    overlap_offsets bigint NOT NULL,
    lag_messages bigint,
    unaccounted text,
    PRIMARY KEY (feed, at)
);

-- A day whose count differs from the one here is counted again by the next hourly run.
CREATE TABLE ops.reconciled_day (
    feed text NOT NULL,
    event_date date NOT NULL,
    readings bigint NOT NULL,
    counted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (feed, event_date)
);
