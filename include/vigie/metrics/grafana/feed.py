"""The dashboard of one feed."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as parts

from vigie.metrics.grafana import told
from vigie.metrics.grafana.begin import SINCE, STATES, begin, rate, state
from vigie.metrics.grafana.panels import COLOURS, SOURCE, Query, number, row, series, words


def one_feed() -> dashboard.Dashboard:
    """One feed, chosen at the top: a feed that is added later is in the list by itself."""
    here = '{feed="$feed"}'
    chosen = (
        dashboard.QueryVariable("feed")
        .label("Feed")
        .datasource(SOURCE)
        .query("label_values(vigie_stream_state, feed)")
        .refresh(parts.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(parts.VariableSort.ALPHABETICAL_ASC)
    )
    counted = {
        "readings_stored": "stored",
        "copies": "copies",
        "conflicts": "conflicts",
        "quarantined": "quarantined",
    }
    rates = [
        Query(rate(f"vigie_stream_{name}_total", where=here), word)
        for name, word in counted.items()
    ]
    colours = dict(zip(counted.values(), COLOURS, strict=False))
    made = begin("vigie-feed", "Vigie: feed", "One feed: its stream, quarantine, alerts, lake.")
    return (
        made.with_variable(chosen)
        .with_row(row("Stream"))
        .with_panel(words(told.STATE, Query(state(',feed="$feed"')), STATES))
        .with_panel(number(told.GAPS, Query(f"vigie_stream_open_gaps{here}", "gaps")))
        .with_panel(number(told.ALERTS, Query(f"vigie_alerts_open{here}", "open")))
        .with_panel(number(told.OUTBOX, Query(f"vigie_alert_messages_waiting{here}", "waiting")))
        .with_panel(
            number(
                told.WATCHED,
                Query(f"{SINCE}vigie_stream_watched_timestamp_seconds{here}", "watched"),
            )
        )
        .with_panel(
            number(
                told.BEAT,
                Query(f"{SINCE}vigie_stream_heartbeat_timestamp_seconds{here}", "heartbeat"),
            )
        )
        .with_panel(number(told.LAUNCH, Query(f"vigie_stream_launches_total{here}", "launch")))
        .with_panel(series(told.BECAME, *rates, colours=colours))
        .with_panel(
            series(
                told.LAG_BY_PARTITION,
                Query(f"vigie_kafka_lag_messages{here}", "partition {{partition}}"),
                colours={},
            )
        )
        .with_panel(
            series(
                told.COMMIT,
                Query(f"{SINCE}vigie_stream_last_commit_timestamp_seconds{here}", "commit"),
                colours={"commit": COLOURS[0]},
            )
        )
        .with_panel(
            series(
                told.PHASES,
                Query(
                    "histogram_quantile(0.95, "
                    f"{rate('vigie_batch_seconds_bucket', 'phase, le', here)})",
                    "{{phase}}",
                ),
                colours={"spark": COLOURS[0], "split": COLOURS[1], "warehouse": COLOURS[2]},
            )
        )
        .with_panel(
            series(
                told.LATE,
                Query(rate("vigie_batch_late_readings_total", where=here), "late"),
                colours={"late": COLOURS[0]},
            )
        )
        .with_panel(
            series(told.BATCHES, Query(rate("vigie_stream_batches_total", where=here)), colours={})
        )
        .with_panel(
            series(told.HELD, Query(f"vigie_quarantine_messages{here}", "{{reason}}"), colours={})
        )
        .with_panel(
            series(
                told.LAKE_LAG,
                Query(f"vigie_lake_lag_messages{here}", "not archived"),
                colours={"not archived": COLOURS[0]},
            )
        )
    )
