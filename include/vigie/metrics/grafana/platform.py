"""The dashboard of the platform."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard

from vigie.contract.feed import Feed
from vigie.metrics.grafana import told
from vigie.metrics.grafana.begin import SINCE, STATES, begin, rate, state
from vigie.metrics.grafana.panels import COLOURS, Query, number, row, series, words


def platform(feeds: Sequence[Feed]) -> dashboard.Dashboard:
    """Every stream and part on one page; a feed has one colour on all of it."""
    colours = {feed.name: COLOURS[n % len(COLOURS)] for n, feed in enumerate(feeds)}
    made = begin("vigie-platform", "Vigie: platform", "Every stream and every part at a glance.")
    return (
        made.with_row(row("Now"))
        .with_panel(words(told.STATE, Query(state()), STATES))
        .with_panel(number(told.SOURCES, Query("min(vigie_exporter_source_up)", "all sources")))
        .with_panel(
            number(told.AIRFLOW, Query("vigie_airflow_component_up", "{{component}}"), wide=8)
        )
        .with_panel(
            number(told.DISK, Query("vigie_disk_free_bytes - vigie_disk_floor_bytes", "free"))
        )
        .with_panel(number(told.FAULTS, Query("sum(vigie_reconciliation_faults)", "faults")))
        .with_panel(
            number(told.FIRING, Query('count(ALERTS{alertstate="firing"}) or vector(0)', ""))
        )
        .with_row(row("Streams"))
        .with_panel(
            series(told.READ, Query(rate("vigie_stream_messages_read_total")), colours=colours)
        )
        .with_panel(
            series(told.LAG, Query("sum by (feed) (vigie_kafka_lag_messages)"), colours=colours)
        )
        .with_panel(series(told.LAG_SECONDS, Query("vigie_stream_lag_seconds"), colours=colours))
        .with_panel(
            series(
                told.COMMIT,
                Query(f"{SINCE}vigie_stream_last_commit_timestamp_seconds"),
                colours=colours,
            )
        )
        .with_panel(series(told.SHARE, Query(_quarantine_share()), colours=colours))
        .with_panel(
            series(
                told.LAUNCHES, Query("increase(vigie_stream_launches_total[1h])"), colours=colours
            )
        )
        .with_panel(
            series(told.HEAP, Query("metrics_stream_driver_jvm_heap_used_Value"), colours=colours)
        )
        .with_row(row("HTTP API"))
        .with_panel(
            series(
                told.ACCEPTED, Query(rate("vigie_ingest_readings_accepted_total")), colours=colours
            )
        )
        .with_panel(
            series(
                told.ANSWERS,
                Query(rate("vigie_ingest_requests_total", "code"), "{{code}}"),
                colours={"202": COLOURS[0], "4..": COLOURS[1], "5..": COLOURS[5]},
            )
        )
        .with_panel(
            series(
                told.ACKNOWLEDGED,
                Query(
                    "histogram_quantile(0.95, "
                    f"{rate('vigie_ingest_acknowledge_seconds_bucket', 'feed, le')})"
                ),
                colours=colours,
            )
        )
        .with_row(row("Lake, warehouse and jobs"))
        .with_panel(series(told.LAKE_LAG, Query("vigie_lake_lag_messages"), colours=colours))
        .with_panel(series(told.LAKE, Query("vigie_lake_bytes"), colours=colours))
        .with_panel(
            series(
                told.TABLES, Query("topk(8, vigie_warehouse_table_bytes)", "{{table}}"), colours={}
            )
        )
        .with_panel(
            series(
                told.JOBS,
                Query(f"{SINCE}vigie_reconciliation_timestamp_seconds", "{{feed}} reconciled"),
                Query(f"{SINCE}vigie_lake_archived_timestamp_seconds", "{{feed}} archived"),
                Query(f"{SINCE}vigie_compaction_timestamp_seconds", "{{feed}} compacted"),
                colours=colours,
            )
        )
        .with_panel(series(told.RUNS, Query("vigie_dag_run_seconds", "{{dag}}"), colours={}))
        .with_panel(series(told.RUN_ROWS, Query("vigie_dag_run_rows", "{{dag}}"), colours={}))
        .with_panel(
            series(
                told.HEARTBEATS,
                Query(f"{SINCE}vigie_airflow_heartbeat_timestamp_seconds", "{{component}}"),
                colours={},
            )
        )
        .with_panel(
            series(
                told.SLOTS,
                Query("airflow_executor_running_tasks", "running"),
                Query("airflow_executor_queued_tasks", "queued"),
                Query("airflow_executor_open_slots", "open"),
                colours={},
            )
        )
        .with_panel(
            series(told.PARSING, Query("airflow_dag_processing_total_parse_time", ""), colours={})
        )
        .with_panel(
            series(
                told.FAILED_TASKS,
                Query("sum by (dag_id) (increase(airflow_ti_failures[1h]))", "{{dag_id}}"),
                colours={},
            )
        )
        .with_panel(
            series(told.SCRAPE, Query("vigie_exporter_source_seconds", "{{source}}"), colours={})
        )
    )


def _quarantine_share() -> str:
    failed, read = "vigie_stream_quarantined_total", "vigie_stream_messages_read_total"
    return f"{rate(failed)} / {rate(read)}"
