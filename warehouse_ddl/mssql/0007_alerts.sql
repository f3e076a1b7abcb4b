-- Alert episodes: where each sensor stands with each rule, and the messages not yet sent.
-- Written by hand, like the core.

-- `since` is null while nothing is open. Moved by live readings only, in the batch's transaction.
CREATE TABLE ops.alert_state (
    sensor_id int NOT NULL,
    rule_id int NOT NULL,
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    since datetime2(3) NULL,
    peak float(53) NULL,
    last_flagged datetime2(3) NULL,
    CONSTRAINT alert_state_key PRIMARY KEY (sensor_id, rule_id)
);
CREATE INDEX alert_state_open ON ops.alert_state (feed, since);

-- Written in the transaction of the batch, deleted once the broker acknowledged the message.
CREATE TABLE ops.alert_outbox (
    message_no bigint IDENTITY (1, 1) NOT NULL CONSTRAINT alert_outbox_key PRIMARY KEY,
    feed nvarchar(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    sensor nvarchar(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
    message nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    written_at datetime2(3) NOT NULL CONSTRAINT alert_outbox_written_at_default DEFAULT SYSUTCDATETIME()
);
CREATE INDEX alert_outbox_feed ON ops.alert_outbox (feed, message_no);
