"""The shared tables of schemas `dim`, `fact` and `ops` as SQLAlchemy tables.

Their DDL is written by hand (`warehouse_ddl/<dialect>/`, the files that name no feed); a test holds
both equal. All times are UTC. A table's comment says what one row is; `docs/tables.md` shows it.
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


def _time(
    name: str, *, now: bool = False, nullable: bool = True, comment: str | None = None
) -> Column[object]:
    default = UtcNow() if now else None
    return Column(name, TIME, nullable=nullable, server_default=default, comment=comment)


def _int(name: str, *, key: bool = False, nullable: bool = False) -> Column[int]:
    return Column(name, Integer, primary_key=key, nullable=nullable, autoincrement=False)


def _big(
    name: str, *, key: bool = False, nullable: bool = False, comment: str | None = None
) -> Column[int]:
    return Column(
        name,
        BigInteger,
        primary_key=key,
        nullable=nullable,
        autoincrement=False,
        comment=comment,
    )


def _text(name: str, *, nullable: bool = False, comment: str | None = None) -> Column[str]:
    return Column(name, LONG_TEXT, nullable=nullable, comment=comment)


def _word(
    name: str, kind: Text = NAME, *, key: bool = False, comment: str | None = None
) -> Column[str]:
    return Column(name, kind, primary_key=key, nullable=False, comment=comment)


migration = Table(
    "migration",
    metadata,
    _word("name", _WORD, key=True),
    _text("checksum"),
    _time("applied_at", now=True, nullable=False),
    comment="a migration file that was run",
    schema="ops",
)

sensor = Table(
    "sensor",
    metadata,
    Column("sensor_id", Integer, primary_key=True),
    _word("feed"),
    _word("sensor", SENSOR, comment="its name in the messages"),
    _time("first_seen", now=True, nullable=False),
    comment="a sensor of a feed, which facts refer to by number",
    schema="dim",
)

status = Table(
    "status",
    metadata,
    Column("status_id", Integer, primary_key=True),
    _word("feed"),
    _word("status", _WORD),
    _word("level", comment="ok, warning or fault"),
    comment="a status word of a feed's contract, and what it means",
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
    comment="an alert rule of a feed's contract",
    schema="dim",
)

alert = Table(
    "alert",
    metadata,
    _int("rule_id", key=True),
    _int("sensor_id", key=True),
    Column("event_time", TIME, primary_key=True),
    Column("value", NUMBER, comment="of the rule's field"),
    Column("is_late", Boolean, nullable=False),
    _big("batch_no"),
    comment="a reading that a rule flags",
    schema="fact",
)

stream = Table(
    "stream",
    metadata,
    _word("feed", key=True),
    _text("desired", comment="running or stopped"),
    _text("changed_by"),
    _time("changed_at", now=True, nullable=False),
    comment="a feed: whether its stream should run, and who said so",
    schema="ops",
)

watch = Table(
    "watch",
    metadata,
    _word("feed", key=True),
    _time("watched_at", nullable=False),
    comment="a feed: when a DAG run last watched its stream",
    schema="ops",
)

launch = Table(
    "launch",
    metadata,
    _word("feed", key=True),
    _int("launch", key=True),
    _time("created_at", now=True, nullable=False),
    _text("contract_hash", comment="of the contract that the driver was started with"),
    _text("code_version", comment="of the code on disk then"),
    _text("submission_id", nullable=True, comment="the Spark master's name of the driver"),
    _time("submitted_at"),
    _text("token", nullable=True, comment="of the driver that claimed the launch"),
    _time("claimed_at"),
    _time("first_commit_at"),
    _time("ended_at"),
    _text("outcome", nullable=True),
    _text("error_class", nullable=True),
    _text("error_message", nullable=True),
    _text("error_tail", nullable=True),
    comment="a start of a stream's driver, with the error it ended with",
    schema="ops",
)

launch_session = Table(
    "launch_session",
    metadata,
    _word("feed", key=True),
    _int("launch", key=True),
    _big("session_id", key=True),
    Column("started_at", TIME, primary_key=True),
    comment="a database session of a launch; they are ended before the next launch",
    schema="ops",
)

fence = Table(
    "fence",
    metadata,
    _word("feed", key=True),
    _int("launch"),
    _text("token"),
    _big("batch_no"),
    comment="a feed: the one launch that may write, and the newest batch",
    schema="ops",
)

heartbeat = Table(
    "heartbeat",
    metadata,
    _word("feed", key=True),
    _int("launch"),
    _time("beat_at", nullable=False),
    _text("phase", comment="what the driver does or waits for"),
    _big("progress", comment="rises with each step, a retry's attempts too"),
    _time("progress_at", nullable=False),
    _big("lag_messages", nullable=True, comment="null while Kafka does not answer"),
    Column("lag_seconds", NUMBER, comment="since the driver was level with its topic"),
    _text(
        "model",
        nullable=True,
        comment="the version it predicts with, and what is wrong with a newer one",
    ),
    comment="a feed: what its driver does now, written every two seconds",
    schema="ops",
)

launch_request = Table(
    "launch_request",
    metadata,
    _word("feed", key=True),
    _int("launch", key=True),
    _text("kind", comment="restart or stop"),
    _text("requested_by"),
    _time("requested_at", now=True, nullable=False),
    comment="a request of a person, or of Airflow, against one launch",
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
    comment="something done to a stream: a start, a stop, a relaunch",
    schema="ops",
)

ledger = Table(
    "ledger",
    metadata,
    _word("feed", key=True),
    _word("topic_id", _TOPIC, key=True, comment="a topic made anew has another"),
    _int("kafka_partition", key=True),
    _big("begin_offset", key=True),
    _big("end_offset", comment="the first one behind the range"),
    _big("batch_no"),
    _int("launch"),
    _big("messages_read"),
    _big("stored"),
    _big("copies"),
    _big("conflicts", comment="copies with other values; they are in quarantine"),
    _big("quarantined", comment="for any other reason"),
    _big("control", comment="offsets without a message: marks of transactions"),
    _time("committed_at", now=True, nullable=False),
    comment="a range of offsets that a batch committed, with what became of its messages",
    schema="ops",
)

gap = Table(
    "gap",
    metadata,
    _word("feed", key=True),
    _word("topic_id", _TOPIC, key=True),
    _int("kafka_partition", key=True),
    _big("begin_offset", key=True),
    _big("end_offset", comment="the first one behind the range"),
    _text("reason"),
    _time("found_at", now=True, nullable=False),
    _text("accepted_by", nullable=True),
    _time("accepted_at"),
    comment="a range of offsets that can no longer be read; the stream waits until it is accepted",
    schema="ops",
)

sensor_clock = Table(
    "sensor_clock",
    metadata,
    _int("sensor_id", key=True),
    _word("feed"),
    _time("last_event_time", nullable=False),
    comment="a sensor: its newest event time, which only rises",
    schema="ops",
)

day_count = Table(
    "day_count",
    metadata,
    _word("feed", key=True),
    Column("event_date", Date, primary_key=True),
    _big("stored", comment="by batches"),
    _big("restated", comment="added by restatements, or taken away"),
    _big("expired", comment="removed by retention"),
    comment="a feed and day of event time: how many readings were counted",
    schema="ops",
)

roll_up = Table(
    "roll_up",
    metadata,
    _word("feed", key=True),
    Column("event_date", Date, primary_key=True),
    _big("counted", nullable=True, comment="readings of the day then; null while the day is open"),
    _time("rolled_at", now=True, nullable=False),
    comment="a feed and day whose roll-ups were computed",
    schema="ops",
)

quarantine = Table(
    "quarantine",
    metadata,
    _word("feed", key=True),
    _word("topic_id", _TOPIC, key=True),
    _int("kafka_partition", key=True),
    _big("kafka_offset", key=True),
    _time("append_time", nullable=False, comment="when Kafka took it"),
    _text("reason"),
    _text("detail"),
    _text("sensor", nullable=True),
    _time("event_time"),
    Column("raw", BYTES, comment="the message, at most 64 KiB of it"),
    _big("raw_length", nullable=True, comment="bytes of the whole message"),
    _text("raw_sha256", nullable=True),
    _big("batch_no"),
    _time("quarantined_at", now=True, nullable=False),
    _time("released_at", comment="when a replay or restatement stored it"),
    comment="a message that failed a check",
    schema="ops",
)

reconciliation = Table(
    "reconciliation",
    metadata,
    _word("feed", key=True),
    Column("at", TIME, primary_key=True, server_default=UtcNow()),
    Column(
        "is_full", Boolean, nullable=False, comment="every row was counted, not only changed days"
    ),
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
    _text("unaccounted", nullable=True, comment="the faults, a line each; null if there is none"),
    comment="a run of the account, and what it found",
    schema="ops",
)

reconciled_day = Table(
    "reconciled_day",
    metadata,
    _word("feed", key=True),
    Column("event_date", Date, primary_key=True),
    _big("readings"),
    _time("counted_at", now=True, nullable=False),
    comment="a feed and day that were last counted and found right",
    schema="ops",
)

alert_state = Table(
    "alert_state",
    metadata,
    _int("sensor_id", key=True),
    _int("rule_id", key=True),
    _word("feed"),
    _time("since", comment="event time that opened it; null while nothing is open"),
    Column("peak", NUMBER, comment="highest value of the episode; lowest, of a rule `below`"),
    _time("last_flagged"),
    comment="a sensor and rule: where they stand, of live readings",
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
    comment="an alert message that Kafka has not acknowledged yet",
    schema="ops",
)

ingest_key = Table(
    "ingest_key",
    metadata,
    _word("name", _WORD, key=True),
    _word("key_sha256", _HASH, comment="the key itself is nowhere"),
    _text("feeds", comment="names with commas between; empty: all"),
    _text("created_by"),
    _time("created_at", now=True, nullable=False),
    _time("revoked_at"),
    comment="a key of the HTTP API",
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
    comment="a partition of a topic: how far the lake has it (a copy; the lake decides)",
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
    comment="a feed: the size of its lake after the last archive (a copy)",
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
    _text("prefer", comment="which record of an identity won: first or last"),
    _big("cut_batch_no", comment="batches after it were left alone"),
    _big("batch_no", nullable=True, comment="that the rows which came have; null if none did"),
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
    Column(
        "documents_due",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="the documents do not follow yet",
    ),
    Column(
        "source", LONG_TEXT, nullable=False, server_default="lake", comment="lake or quarantine"
    ),
    comment="a day that was restated, or that a replay of quarantine changed",
    schema="ops",
)

restated = Table(
    "restated",
    metadata,
    _word("feed", key=True),
    _int("kafka_partition", key=True),
    _big("readings"),
    _big("quarantined"),
    comment="a partition: what restatements changed against the ledger",
    schema="ops",
)

compaction = Table(
    "compaction",
    metadata,
    _word("compaction_id", _HASH, key=True),
    _word("feed"),
    _word("table_name", _WORD),
    Column("month", Date, nullable=False, comment="its first day"),
    _time("compacted_at", now=True, nullable=False),
    _text("person"),
    _text("steps"),
    _text("marker", comment="how the month looked to the database; the same: nothing to do"),
    _big("rows_before"),
    _big("rows_after"),
    _big("groups_before", comment="pages; row groups in SQL Server"),
    _big("groups_after"),
    _big("dead_before"),
    _big("dead_after"),
    _big("bytes_before"),
    _big("bytes_after"),
    Column("query_ms_before", NUMBER),
    Column("query_ms_after", NUMBER),
    Column("seconds", NUMBER, nullable=False),
    comment="a month of a table that was compacted or expired",
    schema="ops",
)

refresh = Table(
    "refresh",
    metadata,
    _word("refresh_id", _HASH, key=True),
    _word("asked_for", _TASK, comment="the run and task"),
    _time("asked_at", nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    _time("covers_until", nullable=False, comment="changes until then are in it once it completed"),
    Column("partitions", Boolean, nullable=False),
    _text("request_id", nullable=True),
    _time("ended_at"),
    _text("state", nullable=True, comment="null until it ended"),
    _text("why", nullable=True),
    comment="a refresh of the Power BI dataset that was asked for",
    schema="ops",
)
