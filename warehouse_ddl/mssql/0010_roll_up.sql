-- Roll-ups. The watermark and the text of quarantined messages are in the core.

-- Up to how many readings of a day its roll-ups are; null while the day is not over. A day whose
-- ops.day_count says something else has changed since.
CREATE TABLE ops.roll_up (
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    event_date date NOT NULL,
    counted bigint NULL,
    rolled_at datetime2(3) NOT NULL CONSTRAINT roll_up_rolled_at_default DEFAULT SYSUTCDATETIME(),
    CONSTRAINT roll_up_key PRIMARY KEY (feed, event_date)
);
