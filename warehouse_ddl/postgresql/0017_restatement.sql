-- Each restatement of a day: who, when, why, and what it changed. Written by hand, like the core.
CREATE TABLE ops.restatement (
    restatement_id text PRIMARY KEY,
    feed text NOT NULL,
    event_date date NOT NULL,
    restated_at timestamptz NOT NULL DEFAULT now(),
    person text NOT NULL,
    reason text,
    prefer text NOT NULL CHECK (prefer IN ('first', 'last')),
    cut_batch_no bigint NOT NULL,
    batch_no bigint,
    records bigint NOT NULL,
    came bigint NOT NULL,
    went bigint NOT NULL,
    changed bigint NOT NULL,
    alerts_came bigint NOT NULL,
    alerts_went bigint NOT NULL,
    quarantined bigint NOT NULL,
    released bigint NOT NULL,
    left_over bigint NOT NULL,
    sums_before text NOT NULL,
    sums_after text NOT NULL,
    seconds double precision NOT NULL,
    rolled_up_at timestamptz,
    documents_due boolean NOT NULL DEFAULT false
);
CREATE INDEX restatement_feed ON ops.restatement (feed, event_date, restated_at);

-- What restatements changed against the ledger, per partition: readings in the facts, and rows in
-- quarantine. The ledger's own counts stay as the batches wrote them.
CREATE TABLE ops.restated (
    feed text NOT NULL,
    kafka_partition integer NOT NULL,
    readings bigint NOT NULL,
    quarantined bigint NOT NULL,
    PRIMARY KEY (feed, kafka_partition)
);
