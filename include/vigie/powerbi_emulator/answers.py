"""How the service tells of a refresh: `Refresh` of the history, and `DatasetRefreshDetail`."""

from __future__ import annotations

import json
from typing import Any

from vigie.powerbi_emulator.service import Refresh

_STATUS = {"NotStarted": "Unknown", "InProgress": "Unknown", "TimedOut": "Failed"}
"""What the older word `status` says where `extendedStatus` says more."""
_TYPES = {"clearvalues": "ClearValues", "dataonly": "DataOnly"}


def history_entry(refresh: Refresh) -> dict[str, Any]:
    """The entry of a refresh in the history."""
    running = refresh.running
    entry: dict[str, Any] = {
        "requestId": refresh.request_id,
        "refreshType": "ViaEnhancedApi" if refresh.request.enhanced else "ViaApi",
        "startTime": _moment(refresh, "started_at"),
        "status": _STATUS.get(refresh.ends, refresh.ends),
    }
    if refresh.request.enhanced:
        entry["extendedStatus"] = refresh.ends
    if not running:
        entry["endTime"] = _moment(refresh, "ended_at")
        if refresh.fate.messages:
            error = {"errorCode": "ModelRefresh_ShortMessage_ProcessingError"}
            error["errorDescription"] = refresh.fate.messages[0]["message"]
            entry["serviceExceptionJson"] = json.dumps(error)
    return entry


def detail(refresh: Refresh) -> dict[str, Any]:
    """The details of an enhanced refresh, with the state of each table or partition."""
    running = refresh.running
    told: dict[str, Any] = {
        "startTime": _moment(refresh, "started_at"),
        "type": _TYPES.get(refresh.request.type, refresh.request.type.capitalize()),
        "commitMode": {"partialbatch": "PartialBatch"}.get(
            refresh.request.commitMode, "Transactional"
        ),
        "status": _STATUS.get(refresh.ends, refresh.ends),
        "extendedStatus": refresh.ends,
        "currentRefreshType": "Full",
        "numberOfAttempts": 0,
        "objects": [
            {
                "table": one.table,
                "partition": one.partition or one.table,
                "status": refresh.ends,
            }
            for one in refresh.request.objects
        ],
    }
    if not running:
        told["endTime"] = _moment(refresh, "ended_at")
        told["messages"] = list(refresh.fate.messages)
    return told


def _moment(refresh: Refresh, which: str) -> str:
    moment = getattr(refresh, which)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
