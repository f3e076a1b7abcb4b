"""The streams: what should run, what runs, who watches, what was asked for and done."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table

from vigie.warehouse.core import columns
from vigie.warehouse.types import NUMBER, TIME

stream = Table(
    "stream",
    columns.metadata,
    columns.word("feed", key=True),
    columns.text("desired", comment="running or stopped"),
    columns.text("changed_by"),
    columns.time("changed_at", now=True, nullable=False),
    comment="a feed: whether its stream should run, and who said so",
    schema="ops",
)

watch = Table(
    "watch",
    columns.metadata,
    columns.word("feed", key=True),
    columns.time("watched_at", nullable=False),
    comment="a feed: when a DAG run last watched its stream",
    schema="ops",
)

launch = Table(
    "launch",
    columns.metadata,
    columns.word("feed", key=True),
    columns.integer("launch", key=True),
    columns.time("created_at", now=True, nullable=False),
    columns.text("contract_hash", comment="of the contract that the driver was started with"),
    columns.text("code_version", comment="of the code on disk then"),
    columns.text("submission_id", nullable=True, comment="the Spark master's name of the driver"),
    columns.time("submitted_at"),
    columns.text("token", nullable=True, comment="of the driver that claimed the launch"),
    columns.time("claimed_at"),
    columns.time("first_commit_at"),
    columns.time("ended_at"),
    columns.text("outcome", nullable=True),
    columns.text("error_class", nullable=True),
    columns.text("error_message", nullable=True),
    columns.text("error_tail", nullable=True),
    comment="a start of a stream's driver, with the error it ended with",
    schema="ops",
)

launch_session = Table(
    "launch_session",
    columns.metadata,
    columns.word("feed", key=True),
    columns.integer("launch", key=True),
    columns.big_integer("session_id", key=True),
    Column("started_at", TIME, primary_key=True),
    comment="a database session of a launch; they are ended before the next launch",
    schema="ops",
)

fence = Table(
    "fence",
    columns.metadata,
    columns.word("feed", key=True),
    columns.integer("launch"),
    columns.text("token"),
    columns.big_integer("batch_no"),
    comment="a feed: the one launch that may write, and the newest batch",
    schema="ops",
)

heartbeat = Table(
    "heartbeat",
    columns.metadata,
    columns.word("feed", key=True),
    columns.integer("launch"),
    columns.time("beat_at", nullable=False),
    columns.text("phase", comment="what the driver does or waits for"),
    columns.big_integer("progress", comment="rises with each step, a retry's attempts too"),
    columns.time("progress_at", nullable=False),
    columns.big_integer("lag_messages", nullable=True, comment="null while Kafka does not answer"),
    Column("lag_seconds", NUMBER, comment="since the driver was level with its topic"),
    columns.text(
        "model",
        nullable=True,
        comment="the version it predicts with, and what is wrong with a newer one",
    ),
    comment="a feed: what its driver does now, written every two seconds",
    schema="ops",
)

launch_request = Table(
    "launch_request",
    columns.metadata,
    columns.word("feed", key=True),
    columns.integer("launch", key=True),
    columns.text("kind", comment="restart or stop"),
    columns.text("requested_by"),
    columns.time("requested_at", now=True, nullable=False),
    comment="a request of a person, or of Airflow, against one launch",
    schema="ops",
)

stream_event = Table(
    "stream_event",
    columns.metadata,
    Column("event_id", BigInteger, primary_key=True),
    columns.word("feed"),
    columns.time("at", now=True, nullable=False),
    columns.text("kind"),
    columns.text("person"),
    columns.text("detail", nullable=True),
    comment="something done to a stream: a start, a stop, a relaunch",
    schema="ops",
)
