-- Copies for display of what the lake's own commits say; nothing is decided by them but when the
-- lake was last maintained.
CREATE TABLE ops.archive (
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    topic_id nvarchar(64) COLLATE Latin1_General_100_BIN2 NOT NULL,
    kafka_partition int NOT NULL,
    end_offset bigint NOT NULL,
    messages bigint NOT NULL,
    archived_at datetime2(3) NOT NULL CONSTRAINT archive_archived_at_default DEFAULT SYSUTCDATETIME(),
    CONSTRAINT archive_key PRIMARY KEY (feed, topic_id, kafka_partition)
);

CREATE TABLE ops.lake (
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL CONSTRAINT lake_key PRIMARY KEY,
    commit_no bigint NOT NULL,
    files bigint NOT NULL,
    bytes bigint NOT NULL,
    archived_at datetime2(3) NULL,
    maintained_at datetime2(3) NULL
);
