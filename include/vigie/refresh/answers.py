"""What the refresh service says of a refresh, in our words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How a refresh stands; all but `running` are its end."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed out"
    DISABLED = "disabled"
    UNKNOWN = "unknown"


_WORDS = {
    "NotStarted": State.RUNNING,
    "InProgress": State.RUNNING,
    "Completed": State.COMPLETED,
    "Failed": State.FAILED,
    "Cancelled": State.CANCELLED,
    "TimedOut": State.TIMED_OUT,
    "Disabled": State.DISABLED,
}


@dataclass(frozen=True)
class Look:
    """One look at a refresh.

    `objects` is the state of each table or partition by name, `messages` what went wrong in words.
    `request_id` is empty where the service did not say it.
    """

    request_id: str
    state: State
    started_at: datetime | None
    by_api: bool
    objects: Mapping[str, str]
    messages: tuple[str, ...]

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self.state is State.RUNNING


def read_look(answer: Mapping[str, Any], request_id: str = "") -> Look:
    """Read an entry of the history, or the details of one refresh."""
    return Look(
        request_id=str(answer.get("requestId") or request_id),
        state=_state(answer),
        started_at=_moment(answer.get("startTime")),
        by_api=str(answer.get("refreshType", "")) in ("ViaApi", "ViaEnhancedApi"),
        objects={_object(one): str(one.get("status", "")) for one in answer.get("objects") or ()},
        messages=(*map(_message, answer.get("messages") or ()), *_exception(answer)),
    )


def _state(answer: Mapping[str, Any]) -> State:
    # `extendedStatus` tells a time-out from a failure, and is not always there.
    for word in (answer.get("extendedStatus"), answer.get("status")):
        if word in _WORDS:
            return _WORDS[word]
    return State.UNKNOWN if answer.get("endTime") else State.RUNNING


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _object(one: Mapping[str, Any]) -> str:
    table, partition = one.get("table", "?"), one.get("partition")
    return f"{table}, partition {partition}" if partition and partition != table else str(table)


def _message(one: Mapping[str, Any]) -> str:
    words = (one.get("type", "Message"), one.get("code"), one.get("message"))
    return " ".join(str(word) for word in words if word)


def _exception(answer: Mapping[str, Any]) -> tuple[str, ...]:
    text = answer.get("serviceExceptionJson")
    if not text:
        return ()
    try:
        error = json.loads(text)
        parts = (error.get("errorCode"), error.get("errorDescription"))
    except (ValueError, AttributeError):
        return (str(text),)
    return (": ".join(str(part) for part in parts if part) or str(text),)
