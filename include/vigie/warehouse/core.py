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
    DateTime,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    false,
    func,
)

metadata = MetaData()


def _time(name: str, *, now: bool = False, nullable: bool = True) -> Column[object]:
    default = func.now() if now else None
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=default)


def _int(name: str, *, key: bool = False, nullable: bool = False) -> Column[int]:
    return Column(name, Integer, primary_key=key, nullable=nullable, autoincrement=False)


def _big(name: str, *, key: bool = False, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=key, nullable=nullable, autoincrement=False)


def _text(name: str, *, key: bool = False, nullable: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=nullable)


migration = Table(
    "migration",
    metadata,
    _text("name", key=True),
    _text("checksum"),
    _time("applied_at", now=True, nullable=False),
    schema="ops",
)

sensor = Table(
    "sensor",
    metadata,
    Column("sensor_id", Integer, primary_key=True),
    _text("feed"),
    _text("sensor"),
    _time("first_seen", now=True, nullable=False),
    schema="dim",
)

status = Table(
    "status",
    metadata,
    Column("status_id", Integer, primary_key=True),
    _text("feed"),
    _text("status"),
    _text("level"),
    schema="dim",
)

rule = Table(
    "rule",
    metadata,
    Column("rule_id", Integer, primary_key=True),
    _text("feed"),
    _text("rule"),
    _text("severity"),
    _text("field"),
    schema="dim",
)

alert = Table(
    "alert",
    metadata,
    _int("rule_id", key=True),
    _int("sensor_id", key=True),
    Column("event_time", DateTime(timezone=True), primary_key=True),
    Column("value", Double),
    Column("is_late", Boolean, nullable=False),
    _big("batch_no"),
    schema="fact",
)

stream = Table(
    "stream",
    metadata,
    _text("feed", key=True),
    _text("desired"),
    _text("changed_by"),
    _time("changed_at", now=True, nullable=False),
    schema="ops",
)

watch = Table(
    "watch",
    metadata,
    _text("feed", key=True),
    _time("watched_at", nullable=False),
    schema="ops",
)

launch = Table(
    "launch",
    metadata,
    _text("feed", key=True),
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
    _text("feed", key=True),
    _int("launch", key=True),
    _big("session_id", key=True),
    Column("started_at", DateTime(timezone=True), primary_key=True),
    schema="ops",
)

fence = Table(
    "fence",
    metadata,
    _text("feed", key=True),
    _int("launch"),
    _text("token"),
    _big("batch_no"),
    schema="ops",
)

heartbeat = Table(
    "heartbeat",
    metadata,
    _text("feed", key=True),
    _int("launch"),
    _time("beat_at", nullable=False),
    _text("phase"),
    _big("progress"),
    _time("progress_at", nullable=False),
    _big("lag_messages", nullable=True),
    Column("lag_seconds", Double),
    _text("model", nullable=True),
    schema="ops",
)

launch_request = Table(
    "launch_request",
    metadata,
    _text("feed", key=True),
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
    _text("feed"),
    _time("at", now=True, nullable=False),
    _text("kind"),
    _text("person"),
    _text("detail", nullable=True),
    schema="ops",
)

ledger = Table(
    "ledger",
    metadata,
    _text("feed", key=True),
    _text("topic_id", key=True),
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
    _text("feed", key=True),
    _text("topic_id", key=True),
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
    _text("feed"),
    _time("last_event_time", nullable=False),
    schema="ops",
)

day_count = Table(
    "day_count",
    metadata,
    _text("feed", key=True),
    Column("event_date", Date, primary_key=True),
    _big("stored"),
    _big("restated"),
    _big("expired"),
    schema="ops",
)

roll_up = Table(
    "roll_up",
    metadata,
    _text("feed", key=True),
    Column("event_date", Date, primary_key=True),
    _big("counted", nullable=True),
    _time("rolled_at", now=True, nullable=False),
    schema="ops",
)

quarantine = Table(
    "quarantine",
    metadata,
    _text("feed", key=True),
    _text("topic_id", key=True),
    _int("kafka_partition", key=True),
    _big("kafka_offset", key=True),
    _time("append_time", nullable=False),
    _text("reason"),
    _text("detail"),
    _text("sensor", nullable=True),
    _time("event_time"),
    Column("raw", LargeBinary),
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
    _text("feed", key=True),
    Column("at", DateTime(timezone=True), primary_key=True, server_default=func.now()),
    Column("is_full", Boolean, nullable=False),
    Column("seconds", Double, nullable=False),
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
    _text("feed", key=True),
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
    _text("feed"),
    _time("since"),
    Column("peak", Double),
    _time("last_flagged"),
    schema="ops",
)

alert_outbox = Table(
    "alert_outbox",
    metadata,
    Column("message_no", BigInteger, primary_key=True),
    _text("feed"),
    _text("sensor"),
    _text("message"),
    _time("written_at", now=True, nullable=False),
    schema="ops",
)

ingest_key = Table(
    "ingest_key",
    metadata,
    _text("name", key=True),
    _text("key_sha256"),
    _text("feeds"),
    _text("created_by"),
    _time("created_at", now=True, nullable=False),
    _time("revoked_at"),
    schema="ops",
)

archive = Table(
    "archive",
    metadata,
    _text("feed", key=True),
    _text("topic_id", key=True),
    _int("kafka_partition", key=True),
    _big("end_offset"),
    _big("messages"),
    _time("archived_at", now=True, nullable=False),
    schema="ops",
)

lake = Table(
    "lake",
    metadata,
    _text("feed", key=True),
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
    _text("restatement_id", key=True),
    _text("feed"),
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
    Column("seconds", Double, nullable=False),
    _time("rolled_up_at"),
    Column("documents_due", Boolean, nullable=False, server_default=false()),
    Column("source", Text, nullable=False, server_default="lake"),
    schema="ops",
)

restated = Table(
    "restated",
    metadata,
    _text("feed", key=True),
    _int("kafka_partition", key=True),
    _big("readings"),
    _big("quarantined"),
    schema="ops",
)
