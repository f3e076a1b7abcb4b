"""Alert episodes in PostgreSQL: runs of readings of one sensor that one rule flags."""

from __future__ import annotations

from vigie.contract.feed import Feed


def episodes(feed: Feed) -> str:
    """The SELECT behind `report.<feed>_episode`; late and replayed readings are part of it.

    It starts from the flagged readings, which are few, and looks for each one's successor by key.
    A reading without the rule's field says nothing: it neither continues nor ends an episode.
    """
    return (
        "SELECT s.sensor,\n"
        "       u.rule,\n"
        "       u.severity,\n"
        "       min(e.event_time) AS raised,\n"
        "       max(e.next_reading) FILTER (WHERE e.ends) AS cleared,\n"
        f"       {_peak(feed)} AS peak,\n"
        "       count(*) AS readings,\n"
        "       bool_or(e.is_late) AS is_late\n"
        "FROM (SELECT f.*,\n"
        "             count(*) FILTER (WHERE f.ends) OVER (PARTITION BY f.sensor_id, f.rule_id\n"
        "                                                  ORDER BY f.event_time DESC) AS island\n"
        "      FROM (SELECT a.sensor_id, a.rule_id, a.event_time, a.value, a.is_late,\n"
        "                   n.event_time AS next_reading,\n"
        "                   n.event_time IS NULL OR n.event_time IS DISTINCT FROM\n"
        "                       lead(a.event_time) OVER (PARTITION BY a.sensor_id, a.rule_id\n"
        "                                                ORDER BY a.event_time) AS ends\n"
        "            FROM fact.alert a\n"
        f"            JOIN dim.rule u ON u.rule_id = a.rule_id AND u.feed = '{feed.name}'\n"
        "            LEFT JOIN LATERAL (SELECT r.event_time\n"
        f"                               FROM fact.{feed.name}_reading r\n"
        "                               WHERE r.sensor_id = a.sensor_id\n"
        "                                 AND r.event_time > a.event_time\n"
        f"                                 AND {_has_field(feed)}\n"
        "                               ORDER BY r.event_time LIMIT 1) n ON true) f) e\n"
        "JOIN dim.rule u ON u.rule_id = e.rule_id\n"
        "JOIN dim.sensor s ON s.sensor_id = e.sensor_id\n"
        "GROUP BY s.sensor, u.rule, u.severity, e.sensor_id, e.rule_id, e.island"
    )


def _peak(feed: Feed) -> str:
    lowest = [f"'{name}'" for name, alert in feed.alerts.items() if alert.when.below is not None]
    if not lowest:
        return "max(e.value)"
    return f"CASE WHEN u.rule IN ({', '.join(lowest)}) THEN min(e.value) ELSE max(e.value) END"


def _has_field(feed: Feed) -> str:
    fields = dict.fromkeys(alert.when.field for alert in feed.alerts.values())
    if not fields:
        return "true"
    cases = " ".join(f"WHEN '{name}' THEN r.{name} IS NOT NULL" for name in fields)
    return f"CASE u.field {cases} ELSE true END"
