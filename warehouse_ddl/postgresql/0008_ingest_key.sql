-- Keys of the HTTP API: the SHA-256 of each, never the key. The API reads them with the role that may
-- only read, so that whoever breaks into it can write nothing; only the owner makes or revokes keys.
CREATE TABLE ops.ingest_key (
    name text PRIMARY KEY,
    key_sha256 text NOT NULL UNIQUE,
    feeds text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
REVOKE ALL ON ops.ingest_key FROM vigie_ingest;
