"""Alert episodes in T-SQL: runs of readings of one sensor that one rule flags."""

from __future__ import annotations

from vigie.contract.feed import Feed


def episodes(feed: Feed) -> str:
    """The SELECT behind `report.<feed>_episode`, as in PostgreSQL.

    `ends` is 1 where the sensor's next reading is not flagged by the same rule, or is not there.
    """
    return (
        "SELECT s.sensor,\n"
        "       u.[rule],\n"
        "       u.severity,\n"
        "       MIN(e.event_time) AS raised,\n"
        "       MAX(CASE WHEN e.ends = 1 THEN e.next_reading END) AS cleared,\n"
        f"       {_peak(feed)} AS peak,\n"
        "       COUNT_BIG(*) AS readings,\n"
        "       CAST(MAX(CAST(e.is_late AS int)) AS bit) AS is_late\n"
        "FROM (SELECT f.*,\n"
        "             SUM(f.ends) OVER (PARTITION BY f.sensor_id, f.rule_id\n"
        "                               ORDER BY f.event_time DESC\n"
        "                               ROWS UNBOUNDED PRECEDING) AS island\n"
        "      FROM (SELECT a.sensor_id, a.rule_id, a.event_time, a.value, a.is_late,\n"
        "                   n.event_time AS next_reading,\n"
        "                   CASE WHEN n.event_time =\n"
        "                       LEAD(a.event_time) OVER (PARTITION BY a.sensor_id, a.rule_id\n"
        "                                                ORDER BY a.event_time)\n"
        "                        THEN 0 ELSE 1 END AS ends\n"
        "            FROM fact.alert a\n"
        f"            JOIN dim.[rule] u ON u.rule_id = a.rule_id AND u.feed = N'{feed.name}'\n"
        "            OUTER APPLY (SELECT TOP (1) r.event_time\n"
        f"                         FROM fact.{feed.name}_reading r\n"
        "                         WHERE r.sensor_id = a.sensor_id\n"
        "                           AND r.event_time > a.event_time\n"
        f"                           AND {_has_field(feed)}\n"
        "                         ORDER BY r.event_time) n) f) e\n"
        "JOIN dim.[rule] u ON u.rule_id = e.rule_id\n"
        "JOIN dim.sensor s ON s.sensor_id = e.sensor_id\n"
        "GROUP BY s.sensor, u.[rule], u.severity, e.sensor_id, e.rule_id, e.island"
    )


def _peak(feed: Feed) -> str:
    lowest = [f"N'{name}'" for name, alert in feed.alerts.items() if alert.when.below is not None]
    if not lowest:
        return "MAX(e.value)"
    return f"CASE WHEN u.[rule] IN ({', '.join(lowest)}) THEN MIN(e.value) ELSE MAX(e.value) END"


def _has_field(feed: Feed) -> str:
    fields = dict.fromkeys(alert.when.field for alert in feed.alerts.values())
    if not fields:
        return "1 = 1"
    cases = " ".join(
        f"WHEN N'{name}' THEN CASE WHEN r.{name} IS NULL THEN 0 ELSE 1 END" for name in fields
    )
    return f"CASE u.field {cases} ELSE 1 END = 1"
