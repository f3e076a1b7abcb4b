-- Copies for display of what the lake's own commits say; nothing is decided by them but when the
-- lake was last maintained.
CREATE TABLE ops.archive (
    feed text NOT NULL,
    topic_id text NOT NULL,
    kafka_partition integer NOT NULL,
    end_offset bigint NOT NULL,
    messages bigint NOT NULL,
    archived_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (feed, topic_id, kafka_partition)
);

CREATE TABLE ops.lake (
    feed text PRIMARY KEY,
    commit_no bigint NOT NULL,
    files bigint NOT NULL,
    bytes bigint NOT NULL,
    archived_at timestamptz,
    maintained_at timestamptz
);
