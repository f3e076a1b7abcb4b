"""Every metric the exporter has: its name, kind, labels and meaning, and which source gives it.

`docs/metrics.md` is written from this table, and the collector emits nothing that is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge"]
_FEED = ("feed",)
_MODEL = ("model",)


@dataclass(frozen=True)
class Family:
    """One metric; a counter's name ends with `_total`."""

    name: str
    kind: Kind
    source: str
    labels: tuple[str, ...]
    help: str


def _counter(name: str, source: str, labels: tuple[str, ...], told: str) -> Family:
    return Family(f"vigie_{name}_total", "counter", source, labels, told)


def _gauge(name: str, source: str, labels: tuple[str, ...], told: str) -> Family:
    return Family(f"vigie_{name}", "gauge", source, labels, told)


_STREAM = (
    _gauge(
        "stream_state",
        "streams",
        ("feed", "state"),
        "1 for the state the stream is in, 0 for the others; judged from the warehouse alone.",
    ),
    _gauge(
        "stream_desired_running", "streams", _FEED, "1 if a person or DAG wants the stream to run."
    ),
    _gauge("stream_lag_messages", "streams", _FEED, "Messages the driver has still to read."),
    _gauge(
        "stream_lag_seconds", "streams", _FEED, "Time since the driver was level with its topic."
    ),
    _gauge("stream_heartbeat_timestamp_seconds", "streams", _FEED, "When the driver last beat."),
    _gauge(
        "stream_watched_timestamp_seconds",
        "streams",
        _FEED,
        "When a DAG run last watched the stream.",
    ),
    _gauge(
        "stream_last_commit_timestamp_seconds", "streams", _FEED, "When a batch last committed."
    ),
    _gauge("stream_open_gaps", "streams", _FEED, "Gaps that nobody has accepted."),
    _gauge(
        "stream_first_launch_timestamp_seconds",
        "operations",
        _FEED,
        "When the first launch was of which is still known.",
    ),
    _counter("stream_launches", "streams", _FEED, "Starts of the stream's driver."),
    _counter(
        "stream_batches", "streams", _FEED, "Batches committed, those of restatements included."
    ),
    _counter("stream_messages_read", "streams", _FEED, "Messages that committed batches read."),
    _counter("stream_readings_stored", "streams", _FEED, "Readings stored as they came."),
    _counter("stream_copies", "streams", _FEED, "Messages that repeat a stored reading."),
    _counter(
        "stream_conflicts", "streams", _FEED, "Copies with other values; they are in quarantine."
    ),
    _counter("stream_quarantined", "streams", _FEED, "Messages that failed a check."),
)
_KAFKA = (
    _gauge(
        "kafka_lag_messages",
        "kafka",
        ("feed", "partition"),
        "Messages in the topic that no committed batch has read, whether or not a driver lives.",
    ),
    _gauge("kafka_retention_seconds", "kafka", _FEED, "How long the feed's topic keeps a message."),
    _gauge("lake_lag_messages", "kafka", _FEED, "Messages in the topic that the lake lacks."),
)
_LAKE = (
    _gauge("lake_bytes", "operations", _FEED, "Size of the feed's lake after its last archive."),
    _gauge("lake_files", "operations", _FEED, "Files of the feed's lake after its last archive."),
    _gauge(
        "lake_archived_timestamp_seconds", "operations", _FEED, "When the feed was last archived."
    ),
)
_MODELS = (
    _gauge("model_version", "operations", _MODEL, "The version that is champion."),
    _gauge(
        "model_trained_timestamp_seconds", "operations", _MODEL, "When the champion was trained."
    ),
    _gauge(
        "model_rolling_mae",
        "operations",
        _MODEL,
        "Mean absolute error of the three newest days with labels, in the target's unit.",
    ),
    _gauge(
        "model_rolling_bias",
        "operations",
        _MODEL,
        "Mean of predicted less actual over the same days, in the target's unit.",
    ),
    _gauge(
        "model_drift_threshold",
        "operations",
        _MODEL,
        "The error above which the last look at the model calls it drift, in the target's unit.",
    ),
    _gauge("model_checked_timestamp_seconds", "operations", _MODEL, "When it was last looked at."),
)
_OPERATIONS = (
    _gauge(
        "reconciliation_gap_offsets", "operations", _FEED, "Offsets in no batch, at the last run."
    ),
    _gauge(
        "reconciliation_overlap_offsets", "operations", _FEED, "Offsets in two, at the last run."
    ),
    _gauge(
        "reconciliation_faults", "operations", _FEED, "What the last run could not account for."
    ),
    _gauge("reconciliation_timestamp_seconds", "operations", _FEED, "When the last run was."),
    _gauge("refresh_last_failed", "operations", (), "1 if the last refresh that ended failed."),
    _gauge(
        "refresh_completed_timestamp_seconds", "operations", (), "When a refresh last completed."
    ),
    _gauge("restatement_timestamp_seconds", "operations", _FEED, "When a day was last restated."),
    _gauge("restatement_seconds", "operations", _FEED, "How long the last restatement took."),
    _gauge("compaction_timestamp_seconds", "operations", _FEED, "When a month was last compacted."),
    _gauge("alerts_open", "operations", _FEED, "Alert episodes raised and not cleared."),
    _gauge("alert_messages_waiting", "operations", _FEED, "Alert messages not yet in Kafka."),
)
_WAREHOUSE = (
    _gauge(
        "warehouse_table_bytes",
        "sizes",
        ("table",),
        "Size of a table with its indexes and all its months.",
    ),
    _gauge(
        "quarantine_messages",
        "sizes",
        ("feed", "reason"),
        "Messages in quarantine that no replay has released.",
    ),
)
_AROUND = (
    _gauge("airflow_component_up", "airflow", ("component",), "1 if Airflow calls it healthy."),
    _gauge(
        "airflow_heartbeat_timestamp_seconds",
        "airflow",
        ("component",),
        "When the component last beat, as Airflow has it.",
    ),
    _gauge("disk_free_bytes", "disk", (), "Free on the disk of the state folder."),
    _gauge("disk_size_bytes", "disk", (), "Size of that disk."),
    _gauge("disk_floor_bytes", "disk", (), "Free space below which streams wait."),
)
_SELF = (
    _gauge(
        "exporter_source_up",
        "exporter",
        ("source",),
        "1 if the source answered in time; 0: its metrics are missing from this scrape.",
    ),
    _gauge("exporter_source_seconds", "exporter", ("source",), "How long its last answer took."),
)
FAMILIES = {
    family.name: family
    for group in (_STREAM, _KAFKA, _LAKE, _MODELS, _OPERATIONS, _WAREHOUSE, _AROUND, _SELF)
    for family in group
}
"""By name, in the order of the documentation."""
