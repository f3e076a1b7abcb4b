-- Versions of learned models, with the fingerprint without which no file is loaded, and what became
-- of each. Written by hand, like the core.
CREATE TABLE ops.model_version (
    model nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    version int NOT NULL,
    run_id nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    sha256 nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    judged_sha256 nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    trained_begin datetime2(3) NOT NULL,
    trained_end datetime2(3) NOT NULL,
    trained_rows bigint NOT NULL,
    created_at datetime2(3) NOT NULL CONSTRAINT model_version_created_at_default DEFAULT SYSUTCDATETIME(),
    CONSTRAINT model_version_key PRIMARY KEY (model, version)
);

-- `error` and `champion_error` are mean absolute errors on the week the two were judged on, in the
-- target's unit; `version` is null for a challenger that was not kept.
CREATE TABLE ops.model_event (
    event_id bigint IDENTITY (1, 1) NOT NULL CONSTRAINT model_event_key PRIMARY KEY,
    at datetime2(3) NOT NULL CONSTRAINT model_event_at_default DEFAULT SYSUTCDATETIME(),
    model nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    kind nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL
        CONSTRAINT model_event_kind_check CHECK (kind IN (N'registered', N'refused', N'promoted', N'declined', N'returned')),
    version int NULL,
    run_id nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    reason nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    error float(53) NULL,
    champion_error float(53) NULL,
    person nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL
);
CREATE INDEX model_event_model ON ops.model_event (model, event_id);
