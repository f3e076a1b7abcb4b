-- Each restatement of a day: who, when, why, and what it changed. Written by hand, like the core.
CREATE TABLE ops.restatement (
    restatement_id nvarchar(64) COLLATE Latin1_General_100_BIN2 NOT NULL CONSTRAINT restatement_key PRIMARY KEY,
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    event_date date NOT NULL,
    restated_at datetime2(3) NOT NULL CONSTRAINT restatement_restated_at_default DEFAULT SYSUTCDATETIME(),
    person nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    reason nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    prefer nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL
        CONSTRAINT restatement_prefer_check CHECK (prefer IN (N'first', N'last')),
    cut_batch_no bigint NOT NULL,
    batch_no bigint NULL,
    records bigint NOT NULL,
    came bigint NOT NULL,
    went bigint NOT NULL,
    changed bigint NOT NULL,
    alerts_came bigint NOT NULL,
    alerts_went bigint NOT NULL,
    quarantined bigint NOT NULL,
    released bigint NOT NULL,
    left_over bigint NOT NULL,
    sums_before nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    sums_after nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    seconds float(53) NOT NULL,
    rolled_up_at datetime2(3) NULL,
    documents_due bit NOT NULL CONSTRAINT restatement_documents_due_default DEFAULT 0
);
CREATE INDEX restatement_feed ON ops.restatement (feed, event_date, restated_at);

-- What restatements changed against the ledger, per partition: readings in the facts, and rows in
-- quarantine. The ledger's own counts stay as the batches wrote them.
CREATE TABLE ops.restated (
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    kafka_partition int NOT NULL,
    readings bigint NOT NULL,
    quarantined bigint NOT NULL,
    CONSTRAINT restated_key PRIMARY KEY (feed, kafka_partition)
);
