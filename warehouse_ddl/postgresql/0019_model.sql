-- Versions of learned models, with the fingerprint without which no file is loaded, and what became
-- of each. Written by hand, like the core.
CREATE TABLE ops.model_version (
    model text NOT NULL,
    version integer NOT NULL,
    run_id text NOT NULL,
    sha256 text NOT NULL,
    judged_sha256 text NOT NULL,
    trained_begin timestamptz NOT NULL,
    trained_end timestamptz NOT NULL,
    trained_rows bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (model, version)
);

-- `error` and `champion_error` are mean absolute errors on the week the two were judged on, in the
-- target's unit; `version` is null for a challenger that was not kept.
CREATE TABLE ops.model_event (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    model text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('registered', 'refused', 'promoted', 'declined', 'returned')),
    version integer,
    run_id text,
    reason text NOT NULL,
    error double precision,
    champion_error double precision,
    person text NOT NULL
);
CREATE INDEX model_event_model ON ops.model_event (model, event_id);
