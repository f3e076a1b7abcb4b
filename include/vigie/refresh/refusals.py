"""What the refresh service means by an answer that is no success."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

from vigie.errors import RefreshAway, RefreshBusy, RefreshRefused, RefreshThrottled

PATIENCE_SECONDS = 30.0
"""How long to wait where the service does not say."""
_RUNS = "already executing"


def require_success(answer: Any) -> None:
    """Return if an HTTP answer (httpx) is a success.

    Raises:
        RefreshThrottled: 429; with the time of its `Retry-After`.
        RefreshAway: An error inside the service.
        RefreshBusy: Another refresh runs.
        RefreshRefused: Anything else.
    """
    if answer.status_code < 300:
        return
    said = f"Power BI answered {answer.status_code}: {_words(answer)}"
    if answer.status_code == 429:
        raise RefreshThrottled(said, _wait(answer.headers.get("Retry-After")))
    if answer.status_code >= 500:
        raise RefreshAway(said)
    raise RefreshBusy(said) if _RUNS in said else RefreshRefused(said)


def _words(answer: Any) -> str:
    try:
        body = answer.json()
        error = body.get("error", body)
        words = (error.get("code"), error.get("message"))
    except (ValueError, AttributeError):
        return str(answer.text or answer.reason_phrase)
    return " ".join(str(word) for word in words if word) or str(body)


def _wait(header: str | None) -> float:
    if not header:
        return PATIENCE_SECONDS
    try:
        return max(float(header), 0.0)
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return PATIENCE_SECONDS
    return max(moment.timestamp() - time.time(), 0.0)
