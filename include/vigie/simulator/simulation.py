"""One feed's simulation: from moments to messages, with or without faults."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from vigie.contract.feed import Feed
from vigie.simulator.faults import Faults
from vigie.simulator.messages import Message, encoded
from vigie.simulator.model import habits_of
from vigie.simulator.moments import Moment
from vigie.simulator.readings import AT_ONCE, Reading, readings
from vigie.simulator.rough_way import RoughWay
from vigie.simulator.tally import Tally


@dataclass
class Simulation:
    """What is made; `fault_rate` 0 makes no faults, `fault_kinds` empty means all of them.

    `every` is the time between a sensor's readings, by default the feed's own.
    """

    feed: Feed
    sensors: int
    seed: int = 1
    fault_rate: float = 0.0
    fault_kinds: Sequence[str] = ()
    every: timedelta = timedelta(0)
    tally: Tally = field(init=False)

    def __post_init__(self) -> None:
        self.tally = Tally(self.feed.name)
        self.every = self.every or habits_of(self.feed).every

    def messages(self, moments: Iterable[Moment], *, at_once: int = AT_ONCE) -> Iterator[Message]:
        """The messages of these moments, counted as they leave; equal arguments, equal bytes."""
        source = readings(self.feed, moments, seed=self.seed, at_once=at_once)
        for message in self._made(source):
            self.tally.fates[message.fate] += 1
            yield message

    def _made(self, source: Iterable[Reading]) -> Iterable[Message]:
        if not self.fault_rate:
            return encoded(self.feed, source)
        faults = Faults(
            self.feed,
            kinds=self.fault_kinds,
            rate=self.fault_rate,
            seed=self.seed,
            tally=self.tally,
        )
        way = RoughWay(self.feed, faults, self.tally, every=self.every)
        return way.travelled(encoded(self.feed, faults.on_readings(source)))
