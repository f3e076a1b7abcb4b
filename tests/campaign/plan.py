"""What a campaign does, drawn from its seed alone: equal seeds give equal plans."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

COMPONENTS = (
    *("postgres", "kafka", "spark-master", "spark-worker", "documents", "ingest-api"),
    *("airflow-scheduler", "airflow-triggerer", "airflow-dag-processor", "airflow-api-server"),
    *("mlflow", "exporter", "pages", "powerbi-emulator"),
)
"""The stack's programs, by their names to the process manager."""
DRIVER = "driver"
HTTP, TOPIC = "http", "topic"
_KINDS = {"kill": 7, "cut": 4, "stop": 3, "restart": 3, "poison": 4, "load": 4}
"""Of 25 faults so many are of each kind."""
_DRIVERS, _OTHERS = 2, 3
"""Of five that hit a process so many hit a driver, and so many another component."""
_DRIVER_HITS = {
    "kill": ("jvm and python", "jvm", "python"),
    "cut": ("frozen", "database sessions ended"),
    "stop": ("stop, start",),
    "restart": ("restart",),
}
_HITS = {"kill": "kill -9", "cut": "frozen", "stop": "stop, start", "restart": "restart"}
_AT_ONCE, _PAUSE = (0.2, 2.0), (5.0, 18.0)
"""Seconds to the next fault: three in ten follow at once."""
_HOLD = (3.0, 30.0)
_POISON, _LOAD = (20, 400), (300, 3000)


@dataclass(frozen=True)
class Fault:
    """One fault: `at` and `hold` in seconds, `size` in messages, `how` in words."""

    number: int
    at: float
    kind: str
    target: str
    feed: str = ""
    how: str = ""
    hold: float = 0.0
    size: int = 0

    @property
    def component(self) -> str:
        """What is hit, with the feed where there is one for each."""
        return f"{self.target} {self.feed}".strip()

    def __str__(self) -> str:
        told = [self.how] if self.how else []
        told += [f"{self.hold:.0f} s"] if self.hold else []
        told += [f"{self.size} messages"] if self.size else []
        return (
            f"{self.number:4d} {self.at:7.1f} s  {self.kind:8s}{self.component}: {', '.join(told)}"
        )


@dataclass(frozen=True)
class Plan:
    """The faults of a seed in order of time."""

    seed: int
    faults: tuple[Fault, ...]

    @property
    def seconds(self) -> float:
        """How long it takes until the last fault is over."""
        return max((fault.at + fault.hold for fault in self.faults), default=0.0)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"seed": self.seed, "faults": [asdict(fault) for fault in self.faults]}


class _Deck:
    """Deals cards in a shuffled order, all before any comes again."""

    def __init__(self, draw: random.Random, cards: Sequence[str]) -> None:
        self._draw, self._cards, self._left = draw, tuple(cards), list[str]()

    def deal(self, *, but: frozenset[str] = frozenset()) -> str:
        """The next card that is not among `but`; that one may stay for later."""
        for _ in range(2):
            for card in self._left:
                if card not in but:
                    self._left.remove(card)
                    return card
            fresh = list(self._cards)
            self._draw.shuffle(fresh)
            self._left += fresh
        raise ValueError(f"no card of {self._cards} is free")


def make_plan(seed: int, count: int, feeds: Sequence[str]) -> Plan:
    """Draw `count` faults over all components and these feeds."""
    return Plan(seed, tuple(_faults(random.Random(seed), count, feeds)))


def _faults(draw: random.Random, count: int, feeds: Sequence[str]) -> Iterator[Fault]:
    kinds = _Deck(draw, [kind for kind, times in _KINDS.items() for _ in range(times)])
    hits = _Deck(draw, [DRIVER] * _DRIVERS + ["other"] * _OTHERS)
    components, drivers, fed = (_Deck(draw, cards) for cards in (COMPONENTS, feeds, feeds))
    entrances = _Deck(draw, (HTTP, TOPIC))
    ways = {kind: _Deck(draw, cards) for kind, cards in _DRIVER_HITS.items()}
    busy: dict[str, float] = {}
    at = 0.0
    for number in range(1, count + 1):
        at = round(at + draw.uniform(*(_AT_ONCE if draw.random() < 0.3 else _PAUSE)), 1)
        kind = kinds.deal()
        hold = round(draw.uniform(*_HOLD), 1) if kind in ("cut", "stop") else 0.0
        taken = frozenset(name for name, until in busy.items() if until > at)
        if kind in ("poison", "load"):
            size = draw.randint(*(_POISON if kind == "poison" else _LOAD))
            yield Fault(number, at, kind, entrances.deal(), fed.deal(), size=size)
            continue
        if hits.deal() == DRIVER and not taken.issuperset(feeds):
            feed, how = drivers.deal(but=taken), ways[kind].deal()
            hold = 0.0 if how == "database sessions ended" else hold
            busy[feed] = at + hold
            yield Fault(number, at, kind, DRIVER, feed, how, hold)
        else:
            component = components.deal(but=taken)
            busy[component] = at + hold
            yield Fault(number, at, kind, component, how=_HITS[kind], hold=hold)
