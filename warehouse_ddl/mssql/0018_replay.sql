-- A replay of quarantine is a restatement too, one row per day it changed, and no restatement of
-- that day from the lake. Written by hand, like the core.
ALTER TABLE ops.restatement
    ADD source nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL
        CONSTRAINT restatement_source_default DEFAULT N'lake'
        CONSTRAINT restatement_source_check CHECK (source IN (N'lake', N'quarantine'));
