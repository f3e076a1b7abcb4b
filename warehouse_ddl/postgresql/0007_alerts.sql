-- Alert episodes: where each sensor stands with each rule, and the messages not yet sent.
-- Written by hand, like the core.

-- `since` is null while nothing is open. Moved by live readings only, in the batch's transaction.
CREATE TABLE ops.alert_state (
    sensor_id integer NOT NULL,
    rule_id integer NOT NULL,
    feed text NOT NULL,
    since timestamptz,
    peak double precision,
    last_flagged timestamptz,
    PRIMARY KEY (sensor_id, rule_id)
);
CREATE INDEX alert_state_open ON ops.alert_state (feed) WHERE since IS NOT NULL;

-- Written in the transaction of the batch, deleted once the broker acknowledged the message.
CREATE TABLE ops.alert_outbox (
    message_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed text NOT NULL,
    sensor text NOT NULL,
    message text NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX alert_outbox_feed ON ops.alert_outbox (feed, message_no);
