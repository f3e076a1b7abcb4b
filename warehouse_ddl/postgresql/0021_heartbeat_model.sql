-- Which version of its model a stream predicts with, and what keeps it from the champion.
ALTER TABLE ops.heartbeat ADD COLUMN model text;
