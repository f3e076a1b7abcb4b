-- Which version of its model a stream predicts with, and what keeps it from the champion.
ALTER TABLE ops.heartbeat ADD model nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL;
