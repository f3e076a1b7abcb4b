-- Alerts that are open now, as live readings left them. Written by hand, like the core. Episodes tell
-- the same of all readings, late and replayed ones too, but look at every flagged reading to do so.
CREATE VIEW report.alert_open AS
SELECT a.feed, s.sensor, u.[rule], u.severity, u.field, a.since, a.peak, a.last_flagged
FROM ops.alert_state a
JOIN dim.sensor s ON s.sensor_id = a.sensor_id
JOIN dim.[rule] u ON u.rule_id = a.rule_id
WHERE a.since IS NOT NULL;
GO
