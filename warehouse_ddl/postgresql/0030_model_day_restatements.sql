-- How often a day was restated before its errors were summed up: a restatement may change readings
-- without changing their number. Written by hand, like the core.

ALTER TABLE ops.model_day ADD COLUMN restatements bigint NOT NULL DEFAULT 0;
