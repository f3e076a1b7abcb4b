-- Roll-ups, the watermark, and the text of quarantined messages.

-- Up to how many readings of a day its roll-ups are; null while the day is not over. A day whose
-- ops.day_count says something else has changed since.
CREATE TABLE ops.roll_up (
    feed text NOT NULL,
    event_date date NOT NULL,
    counted bigint,
    rolled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (feed, event_date)
);

-- The newest event time of each stream. Like a sensor's last event time, it only rises.
CREATE VIEW report.watermark AS
SELECT feed, max(last_event_time) AS watermark
FROM ops.sensor_clock
GROUP BY feed;

-- The text of a message that may be anything: what is not UTF-8, or has NUL in it, is shown with
-- octal escapes. IMMUTABLE, so that a view computes it only for the rows and columns asked for.
CREATE FUNCTION report.message_text(raw bytea) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog AS $$
BEGIN
    RETURN convert_from(raw, 'UTF8');
EXCEPTION WHEN OTHERS THEN
    RETURN encode(raw, 'escape');
END $$;

CREATE OR REPLACE VIEW report.quarantine AS
SELECT feed, kafka_partition, kafka_offset, append_time, reason, detail, sensor, event_time,
       raw_length, quarantined_at, released_at, report.message_text(raw) AS message
FROM ops.quarantine;
