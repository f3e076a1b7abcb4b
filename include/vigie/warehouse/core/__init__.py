"""The shared tables of schemas `dim`, `fact` and `ops` as SQLAlchemy tables.

Their DDL is written by hand (`warehouse_ddl/<dialect>/`, the files that name no feed); a test holds
both equal. All times are UTC. A table's comment says what one row is; `docs/tables.md` shows it.
"""

from vigie.warehouse.core.account import reconciled_day, reconciliation
from vigie.warehouse.core.alerts import alert, alert_outbox, alert_state
from vigie.warehouse.core.archives import archive, lake
from vigie.warehouse.core.changes import compaction, restated, restatement
from vigie.warehouse.core.columns import metadata
from vigie.warehouse.core.days import day_count, roll_up, sensor_clock
from vigie.warehouse.core.dimensions import rule, sensor, status
from vigie.warehouse.core.model_errors import model_check, model_day, model_error, model_input
from vigie.warehouse.core.models import model_event, model_version
from vigie.warehouse.core.offsets import gap, ledger, quarantine
from vigie.warehouse.core.operations import ingest_key, migration, refresh
from vigie.warehouse.core.streams import (
    fence,
    heartbeat,
    launch,
    launch_request,
    launch_session,
    stream,
    stream_event,
    watch,
)

__all__ = [
    "alert",
    "alert_outbox",
    "alert_state",
    "archive",
    "compaction",
    "day_count",
    "fence",
    "gap",
    "heartbeat",
    "ingest_key",
    "lake",
    "launch",
    "launch_request",
    "launch_session",
    "ledger",
    "metadata",
    "migration",
    "model_check",
    "model_day",
    "model_error",
    "model_event",
    "model_input",
    "model_version",
    "quarantine",
    "reconciled_day",
    "reconciliation",
    "refresh",
    "restated",
    "restatement",
    "roll_up",
    "rule",
    "sensor",
    "sensor_clock",
    "status",
    "stream",
    "stream_event",
    "watch",
]
