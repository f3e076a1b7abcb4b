"""Why there is no prediction or forecast: a small number in the facts, words in `report`."""

from __future__ import annotations

from enum import IntEnum


class Unscored(IntEnum):
    """Numbers never change their meaning: they are stored."""

    NO_MODEL = 1
    REGISTRY_AWAY = 2
    REFUSED = 3
    WRONG_FEATURES = 4
    LATE = 5
    MISSING_INPUT = 6
    FAILED = 7
    RESTATED = 8

    @property
    def words(self) -> str:
        """For people; no quote in it, since it becomes SQL."""
        return _WORDS[self]


_WORDS = {
    Unscored.NO_MODEL: "no model: none is champion yet",
    Unscored.REGISTRY_AWAY: "no model: the registry is away, and none was kept",
    Unscored.REFUSED: "no model: the champion was refused, and none was kept",
    Unscored.WRONG_FEATURES: "wrong features: not those the model was trained on",
    Unscored.LATE: "late: a newer reading of its sensor came before",
    Unscored.MISSING_INPUT: "missing input: the model cannot do without it",
    Unscored.FAILED: "failed: the model raised an error",
    Unscored.RESTATED: "restated: the reading came or changed after its time",
}


class NoForecast(IntEnum):
    """Why a half hour has no forecast; numbers never change their meaning."""

    TOO_LITTLE_HISTORY = 1
    FAILED = 2

    @property
    def words(self) -> str:
        """For people; no quote in it, since it becomes SQL."""
        return _NO_FORECAST[self]


_NO_FORECAST = {
    NoForecast.TOO_LITTLE_HISTORY: "too little history: no value known of a week before",
    NoForecast.FAILED: "failed: the model gave no number",
}
