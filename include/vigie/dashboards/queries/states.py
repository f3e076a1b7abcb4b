"""In what state each sensor is: one word, the worst that holds."""

from __future__ import annotations

import pandas as pd

from vigie.dashboards.queries.now import Snapshot

_RANK = {"ok": 0, "info": 1, "warning": 2, "fault": 3, "critical": 4}
_WORD = {rank: word for word, rank in _RANK.items()}


def state_of(found: Snapshot) -> pd.Series:
    """For each row of `found.sensors`: `silent`, `critical`, `fault`, `warning`, `info` or `ok`.

    The severity of its worst open alert and what its own status means, whichever is worse; `silent`
    if it sent nothing of late, whatever it said before.
    """
    sensors = found.sensors
    worst = found.alerts["severity"].map(_RANK).groupby(found.alerts["sensor"]).max()
    rank = sensors["sensor"].map(worst).fillna(0)
    if "status_level" in sensors:
        said = sensors["status_level"].map(_RANK).fillna(0)
        rank = rank.where(rank >= said, said)
    return rank.map(_WORD).where(sensors["is_reporting"], "silent")
