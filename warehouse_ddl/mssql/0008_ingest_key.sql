-- Keys of the HTTP API: the SHA-256 of each, never the key. The API reads them with the role that may
-- only read, so that whoever breaks into it can write nothing; only the owner makes or revokes keys.
CREATE TABLE ops.ingest_key (
    name nvarchar(200) COLLATE Latin1_General_100_BIN2 NOT NULL CONSTRAINT ingest_key_key PRIMARY KEY,
    key_sha256 nvarchar(64) COLLATE Latin1_General_100_BIN2 NOT NULL CONSTRAINT ingest_key_key_sha256_unique UNIQUE,
    feeds nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    created_by nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    created_at datetime2(3) NOT NULL CONSTRAINT ingest_key_created_at_default DEFAULT SYSUTCDATETIME(),
    revoked_at datetime2(3) NULL
);
DENY SELECT, INSERT, UPDATE, DELETE ON ops.ingest_key TO vigie_ingest;
DENY SELECT, INSERT, UPDATE, DELETE ON ops.ingest_key TO vigie_transform;
