"""Keeps the champion ready for the batches of a stream, in a thread for which none of them waits.

    alias in the registry ─ another version? ─▶ fetch ─ hashes and types ─▶ ready ─▶ next batch

What goes wrong leaves the last good model in use, and is said in the heartbeat: a registry that is
away or was emptied, a file that was changed, a type that is not on our list, features that are made
no more. A driver that starts uses what the warehouse says was champion last, if this machine has
kept its file.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.exc import SQLAlchemyError

from vigie.contract.feed import Feed
from vigie.errors import ModelError, OtherFeatures, RegistryAway
from vigie.settings import get_settings
from vigie.streaming.champion import Champion
from vigie.streaming.heartbeat import Pulse
from vigie.streaming.score import Scorer
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.unscored import Unscored

if TYPE_CHECKING:
    # Both bring scikit-learn, which only drivers of feeds with a model need, and not at once.
    from vigie.modelling.train import Fit
    from vigie.modelling.versions import Release

log = logging.getLogger(__name__)

PATIENCE = 15.0
"""Seconds the first batch waits for the first look."""
_AGAIN = 60.0
"""Seconds after which a version that was refused is tried again: it may have been mended."""


class Registry(Protocol):
    """What the thread asks."""

    def last_champion(self, model: str) -> Release | None:
        """The champion as the warehouse has it."""

    def find_champion(self, model: str) -> Release | None:
        """The champion as the registry has it."""

    def fetch(self, release: Release, folder: Path) -> Path:
        """Its file in a folder of this machine."""

    def load_fit(self, path: Path, release: Release) -> Fit:
        """What is in the file."""


class MlflowRegistry:
    """The registry of the settings, and what the warehouse says of its versions."""

    def last_champion(self, model: str) -> Release | None:
        """See `versions.last_champion`."""
        from vigie.modelling.versions import last_champion

        with get_engine().connect() as connection:
            return last_champion(connection, model)

    def find_champion(self, model: str) -> Release | None:
        """See `registry.find_champion`."""
        from vigie.modelling.registry import find_champion

        return find_champion(model)

    def fetch(self, release: Release, folder: Path) -> Path:
        """See `registry.fetch`."""
        from vigie.modelling.registry import fetch

        return fetch(release, folder)

    def load_fit(self, path: Path, release: Release) -> Fit:
        """See `registry.load_fit`."""
        from vigie.modelling.registry import load_fit

        return load_fit(path, release)


@dataclass(frozen=True)
class _Refused:
    release: Release
    why: Unscored
    error: str
    at: float


class HotSwap:
    """Looks every few seconds which version is champion; `find` gives the newest that is ready."""

    def __init__(self, model: str, registry: Registry, folder: Path, pulse: Pulse) -> None:
        self._model, self._registry, self._folder = model, registry, folder
        self._pulse = pulse
        self._ready: Champion | None = None
        self._why = Unscored.REGISTRY_AWAY
        self._release: Release | None = None
        self._refused: _Refused | None = None
        self._trouble = ""
        self._settled, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="hot swap", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End after the look in hand, for which nobody waits."""
        self._ended.set()

    def find(self) -> Champion | Unscored:
        """The newest champion that is ready, or why there is none; the first call may wait."""
        self._settled.wait(PATIENCE)
        return self._ready or self._why

    def _run(self) -> None:
        self._attempt(self._begin)
        while True:
            self._attempt(self._look)
            self._settled.set()
            if self._ended.wait(get_settings().model_look):
                return

    def _attempt(self, step: Callable[[], None]) -> None:
        """Take a step; whatever it raises leaves the model of before."""
        try:
            step()
        except RegistryAway as error:
            self._tell(Unscored.REGISTRY_AWAY, str(error))
        except ModelError as error:
            self._tell(_reason(error), str(error))
        except SQLAlchemyError as error:
            self._tell(Unscored.REGISTRY_AWAY, f"the warehouse does not answer: {error}")
        except Exception as error:
            self._tell(Unscored.REFUSED, repr(error))

    def _begin(self) -> None:
        """Use the last champion if its file is here, so that no batch waits for the registry."""
        last = self._registry.last_champion(self._model)
        if last is not None:
            self._use(last)
            self._settled.set()

    def _look(self) -> None:
        found = self._registry.find_champion(self._model)
        refused = self._refused
        if found is None:
            self._tell(Unscored.NO_MODEL, "no version is champion")
        elif refused and found == refused.release and time.monotonic() - refused.at < _AGAIN:
            self._tell(refused.why, refused.error)
        elif found != self._release:
            self._use(found)
        else:
            self._tell()

    def _use(self, release: Release) -> None:
        try:
            path = self._registry.fetch(release, self._folder)
            fit = self._registry.load_fit(path, release)
        except ModelError as error:
            self._refused = _Refused(release, _reason(error), str(error), time.monotonic())
            raise
        self._ready = Champion.of(self._model, release.version, fit.estimator)
        self._release, self._refused = release, None
        log.info("model %s: version %d predicts from now on", self._model, release.version)
        self._tell()

    def _tell(self, why: Unscored | None = None, trouble: str = "") -> None:
        """Say in the heartbeat, and once in the log, what is in use and what is wrong."""
        self._why = why or self._why
        if trouble and trouble != self._trouble:
            log.warning("model %s: %s", self._model, trouble)
        self._trouble = trouble
        used = f"version {self._ready.version}" if self._ready else "none"
        self._pulse.model = "; ".join(filter(None, (used, trouble)))


def _reason(error: ModelError) -> Unscored:
    return Unscored.WRONG_FEATURES if isinstance(error, OtherFeatures) else Unscored.REFUSED


def open_scorer(feed: Feed, hot_swap: HotSwap | None) -> Scorer | None:
    """What scores the readings of such a feed."""
    predictions = feed_tables(feed).prediction
    if hot_swap is None or feed.scored_model is None or predictions is None:
        return None
    return Scorer(feed, feed.scored_model, predictions, hot_swap.find)


def open_hot_swap(feed: Feed, pulse: Pulse) -> HotSwap | None:
    """The thread of a feed whose contract has a model for the stream."""
    model = feed.scored_model
    if model is None:
        return None
    return HotSwap(model.name, MlflowRegistry(), get_settings().state / "models", pulse)
