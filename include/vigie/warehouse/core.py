"""The shared tables of schemas `dim`, `fact` and `ops` as SQLAlchemy tables.

Their DDL is written by hand (`warehouse_ddl/<dialect>/`, the files that name no feed); a test holds
both equal. All times are UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Integer,
    MetaData,
    Table,
    Text,
    false,
)

from vigie.warehouse.types import BYTES, LONG_TEXT, NAME, NUMBER, SENSOR, TIME, UtcNow, key_text

metadata = MetaData()
_WORD = key_text(200)
_HASH = key_text(64)
_TOPIC = key_text(64)
_TASK = key_text(400)


def _time(name: str, *, now: bool = False, nullable: bool = True) -> Column[object]:
    default = UtcNow() if now else None
    return Column(name, TIME, nullable=nullable, server_default=default)


def _int(name: str, *, key: bool = False, nullable: bool = False) -> Column[int]:
    return Column(name, Integer, primary_key=key, nullable=nullable, autoincrement=False)


def _big(name: str, *, key: bool = False, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=key, nullable=nullable, autoincrement=False)


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, LONG_TEXT, nullable=nullable)


def _word(name: str, kind: Text = NAME, *, key: bool = False) -> Column[str]:
    return Column(name, kind, primary_key=key, nullable=False)


migration = Table(
    "migration",
    metadata,
    _word("name", _WORD, key=True),
    _text("checksum"),
    _time("applied_at", now=True, nullable=False),
    schema="ops",
)

sensor = Table(
    "sensor",
    metadata,
    Column("sensor_id", Integer, primary_key=True),
    _word("feed"),
    _word("sensor", SENSOR),
    _time("first_seen", now=True, nullable=False),
    schema="dim",
)

status = Table(
    "status",
    metadata,
    Column("status_id", Integer, primary_key=True),
    _word("feed"),
    _word("status", _WORD),
    _word("level"),
    schema="dim",
)

rule = Table(
    "rule",
    metadata,
    Column("rule_id", Integer, primary_key=True),
    _word("feed"),
    _word("rule"),
    _word("severity"),
    _word("field"),
    schema="dim",
)

alert = Table(
    "alert",
    metadata,
    _int("rule_id", key=True),
    _int("sensor_id", key=True),
    Column("event_time", TIME, primary_key=True),
    Column("value", NUMBER),
    Column("is_late", Boolean, nullable=False),
    _big("batch_no"),
    schema="fact",
)

stream = Table(
    "stream",
    metadata,
    _word("feed", key=True),
    _text("desired"),
    _text("changed_by"),
    _time("changed_at", now=True, nullable=False),
    schema="ops",
)

watch = Table(
    "watch",
    metadata,
    _word("feed", key=True),
    _time("watched_at", nullable=False),
    schema="ops",
)

launch = Table(
    "launch",
    metadata,
    _word("feed", key=True),
    _int("launch", key=True),
    _time("created_at", now=True, nullable=False),
    _text("contract_hash"),
    _text("code_version"),
    _text("submission_id", nullable=True),
    _time("submitted_at"),
    _text("token", nullable=True),
    _time("claimed_at"),
    _time("first_commit_at"),
    _time("ended_at"),
    _text("outcome", nullable=True),
    _text("error_class", nullable=True),
    _text("error_message", nullable=True),
    _text("error_tail", nullable=True),
    schema="ops",
)

launch_session = Table(
    "launch_session",
    metadata,
    _word("feed", key=True),
    _int("launch", key=True),
    _big("session_id", key=True),
    Column("started_at", TIME, primary_key=True),
    schema="ops",
)

fence = Table(
    "fence",
    metadata,
    _word("feed", key=True),
    _int("launch"),
    _text("token"),
    _big("batch_no"),
    schema="ops",
)

heartbeat = Table(
    "heartbeat",
    metadata,
    _word("feed", key=True),
    _int("launch"),
    _time("beat_at", nullable=False),
    _text("phase"),
    _big("progress"),
    _time("progress_at", nullable=False),
    _big("lag_messages", nullable=True),
    Column("lag_seconds", NUMBER),
    _text("model", nullable=True),
    schema="ops",
)

launch_request = Table(
    "launch_request",
    metadata,
    _word("feed", key=True),
    _int("launch", key=True),
    _text("kind"),
    _text("requested_by"),
    _time("requested_at", now=True, nullable=False),
    schema="ops",
)

stream_event = Table(
    "stream_event",
    metadata,
    Column("event_id", BigInteger, primary_key=True),
    _word("feed"),
    _time("at", now=True, nullable=False),
    _text("kind"),
    _text("person"),
    _text("detail", nullable=True),
    schema="ops",
)

ledger = Table(
    "ledger",
    metadata,
    _word("feed", key=True),
    _word("topic_id", _TOPIC, key=True),
    _int("kafka_partition", key=True),
    _big("begin_offset", key=True),
    _big("end_offset"),
    _big("batch_no"),
    _int("launch"),
    _big("messages_read"),
    _big("stored"),
    _big("copies"),
    _big("conflicts"),
    _big("quarantined"),
    _big("control"),
    _time("committed_at", now=True, nullable=False),
    schema="ops",
)

gap = Table(
    "gap",
    metadata,
    _word("feed", key=True),
    _word("topic_id", _TOPIC, key=True),
    _int("kafka_partition", key=True),
    _big("begin_offset", key=True),
    _big("end_offset"),
    _text("reason"),
    _time("found_at", now=True, nullable=False),
    _text("accepted_by", nullable=True),
    _time("accepted_at"),
    schema="ops",
)

sensor_clock = Table(
    "sensor_clock",
    metadata,
    _int("sensor_id", key=True),
    _word("feed"),
    _time("last_event_time", nullable=False),
    schema="ops",
)

day_count = Table(
    "day_count",
    metadata,
    _word("feed", key=True),
    Column("event_date", Date, primary_key=True),
    _big("stored"),
    _big("restated"),
    _big("expired"),
    schema="ops",
)

roll_up = Table(
    "roll_up",
    metadata,
    _word("feed", key=True),
    Column("event_date", Date, primary_key=True),
    _big("counted", nullable=True),
    _time("rolled_at", now=True, nullable=False),
    schema="ops",
)

quarantine = Table(
    "quarantine",
    metadata,
    _word("feed", key=True),
    _word("topic_id", _TOPIC, key=True),
    _int("kafka_partition", key=True),
    _big("kafka_offset", key=True),
    _time("append_time", nullable=False),
    _text("reason"),
    _text("detail"),
    _text("sensor", nullable=True),
    _time("event_time"),
    Column("raw", BYTES),
    _big("raw_length", nullable=True),
    _text("raw_sha256", nullable=True),
    _big("batch_no"),
    _time("quarantined_at", now=True, nullable=False),
    _time("released_at"),
    schema="ops",
)

reconciliation = Table(
    "reconciliation",
    metadata,
    _word("feed", key=True),
    Column("at", TIME, primary_key=True, server_default=UtcNow()),
    Column("is_full", Boolean, nullable=False),
    Column("seconds", NUMBER, nullable=False),
    _big("messages_read"),
    _big("stored"),
    _big("copies"),
    _big("conflicts"),
    _big("quarantined"),
    _big("control"),
    _big("gap_offsets"),
    _big("overlap_offsets"),
    _big("lag_messages", nullable=True),
    _text("unaccounted", nullable=True),
    schema="ops",
)

reconciled_day = Table(
    "reconciled_day",
    metadata,
    _word("feed", key=True),
    Column("event_date", Date, primary_key=True),
    _big("readings"),
    _time("counted_at", now=True, nullable=False),
    schema="ops",
)

alert_state = Table(
    "alert_state",
    metadata,
    _int("sensor_id", key=True),
    _int("rule_id", key=True),
    _word("feed"),
    _time("since"),
    Column("peak", NUMBER),
    _time("last_flagged"),
    schema="ops",
)

alert_outbox = Table(
    "alert_outbox",
    metadata,
    Column("message_no", BigInteger, primary_key=True),
    _word("feed"),
    _word("sensor", SENSOR),
    _text("message"),
    _time("written_at", now=True, nullable=False),
    schema="ops",
)

ingest_key = Table(
    "ingest_key",
    metadata,
    _word("name", _WORD, key=True),
    _word("key_sha256", _HASH),
    _text("feeds"),
    _text("created_by"),
    _time("created_at", now=True, nullable=False),
    _time("revoked_at"),
    schema="ops",
)

archive = Table(
    "archive",
    metadata,
    _word("feed", key=True),
    _word("topic_id", _TOPIC, key=True),
    _int("kafka_partition", key=True),
    _big("end_offset"),
    _big("messages"),
    _time("archived_at", now=True, nullable=False),
    schema="ops",
)

lake = Table(
    "lake",
    metadata,
    _word("feed", key=True),
    _big("commit_no"),
    _big("files"),
    _big("bytes"),
    _time("archived_at"),
    _time("maintained_at"),
    schema="ops",
)

restatement = Table(
    "restatement",
    metadata,
    _word("restatement_id", _HASH, key=True),
    _word("feed"),
    Column("event_date", Date, nullable=False),
    _time("restated_at", now=True, nullable=False),
    _text("person"),
    _text("reason", nullable=True),
    _text("prefer"),
    _big("cut_batch_no"),
    _big("batch_no", nullable=True),
    _big("records"),
    _big("came"),
    _big("went"),
    _big("changed"),
    _big("alerts_came"),
    _big("alerts_went"),
    _big("quarantined"),
    _big("released"),
    _big("left_over"),
    _text("sums_before"),
    _text("sums_after"),
    Column("seconds", NUMBER, nullable=False),
    _time("rolled_up_at"),
    Column("documents_due", Boolean, nullable=False, server_default=false()),
    Column("source", LONG_TEXT, nullable=False, server_default="lake"),
    schema="ops",
)

restated = Table(
    "restated",
    metadata,
    _word("feed", key=True),
    _int("kafka_partition", key=True),
    _big("readings"),
    _big("quarantined"),
    schema="ops",
)

compaction = Table(
    "compaction",
    metadata,
    _word("compaction_id", _HASH, key=True),
    _word("feed"),
    _word("table_name", _WORD),
    Column("month", Date, nullable=False),
    _time("compacted_at", now=True, nullable=False),
    _text("person"),
    _text("steps"),
    _text("marker"),
    _big("rows_before"),
    _big("rows_after"),
    _big("groups_before"),
    _big("groups_after"),
    _big("dead_before"),
    _big("dead_after"),
    _big("bytes_before"),
    _big("bytes_after"),
    Column("query_ms_before", NUMBER),
    Column("query_ms_after", NUMBER),
    Column("seconds", NUMBER, nullable=False),
    schema="ops",
)

refresh = Table(
    "refresh",
    metadata,
    _word("refresh_id", _HASH, key=True),
    _word("asked_for", _TASK),
    _time("asked_at", nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    _time("covers_until", nullable=False),
    Column("partitions", Boolean, nullable=False),
    _text("request_id", nullable=True),
    _time("ended_at"),
    _text("state", nullable=True),
    _text("why", nullable=True),
    schema="ops",
)
