"""The rows of the table of predictions that a batch writes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vigie.modelling.readings import Numbers, Places
from vigie.warehouse.unscored import Unscored

NONE = 0
"""The reason of a reading that has a prediction."""

Reasons = npt.NDArray[np.int16]


class Said:
    """What is said of each stored reading; at first that it is late."""

    def __init__(self, stored: pa.Table) -> None:
        self._stored = stored
        count = stored.num_rows
        self._value, self._base = np.full((2, count), np.nan)
        self._version = np.zeros(count, np.int32)
        self._reason = np.full(count, Unscored.LATE, np.int16)

    def put(
        self,
        rows: Places,
        *,
        reason: Reasons | Unscored,
        value: Numbers | float = np.nan,
        base: Numbers | float = np.nan,
        version: int = 0,
    ) -> None:
        """Say something else of these rows."""
        self._value[rows], self._base[rows] = value, base
        self._reason[rows], self._version[rows] = reason, version

    def rows(self) -> pa.Table:
        """In the columns of the table of predictions."""
        said = self._reason == NONE
        return pa.table(
            {
                **{name: self._stored[name] for name in ("sensor_id", "event_time", "batch_no")},
                "value": pa.array(self._value, mask=~said),
                "base": pa.array(self._base, mask=~said),
                "model_version": pa.array(self._version, mask=self._version == 0),
                "reason": pa.array(self._reason, mask=said),
            }
        )
