-- A replay of quarantine is a restatement too, one row per day it changed, and no restatement of
-- that day from the lake. Written by hand, like the core.
ALTER TABLE ops.restatement
    ADD COLUMN source text NOT NULL DEFAULT 'lake' CHECK (source IN ('lake', 'quarantine'));
