"""A feed's contract as frozen dataclasses: everything that differs between feeds, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Literal

from annotated_types import Interval
from pydantic import AfterValidator, BeforeValidator, ConfigDict, StringConstraints, TypeAdapter
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from vigie.contract.durations import Duration

_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
# Squares of larger numbers, which the panes add up, would overflow.
Bound = Annotated[float, Interval(ge=-1e150, le=1e150)]
JsonPath = Annotated[str, StringConstraints(pattern=r"^[^.\s]+(\.[^.\s]+)*$")]


def _named(parts: object) -> object:
    """Give each part of a mapping its key as `name`."""
    if not isinstance(parts, Mapping):
        return parts
    return {k: {**v, "name": k} if isinstance(v, Mapping) else v for k, v in parts.items()}


def _ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] >= bounds[1]:
        raise PydanticCustomError("bounds", "[lowest, highest] with lowest below highest")
    return bounds


@dataclass(frozen=True, config=_STRICT)
class Field:
    """One measurement: JSON `source` (a dotted path, by default its name), type and valid range."""

    name: Identifier
    type: Literal["float", "integer", "boolean"] = "float"
    unit: str | None = None
    valid: Annotated[tuple[Bound, Bound], AfterValidator(_ordered)] | None = None
    required: bool = False
    description: str = ""
    source: JsonPath | None = None

    @property
    def path(self) -> str:
        """Where the value stands in the message."""
        return self.source or self.name


@dataclass(frozen=True, config=_STRICT)
class Position:
    """JSON paths of the WGS 84 coordinates, in degrees."""

    latitude: JsonPath
    longitude: JsonPath


@dataclass(frozen=True, config=_STRICT)
class Status:
    """The sensor's own word about itself, and what each word means."""

    field: JsonPath
    ok: tuple[str, ...]
    warning: tuple[str, ...] = ()
    fault: tuple[str, ...] = ()


@dataclass(frozen=True, config=_STRICT)
class Condition:
    """A comparison of one field with a constant; exactly one operator is given."""

    field: str
    above: float | None = None
    below: float | None = None
    equals: float | bool | None = None


@dataclass(frozen=True, config=_STRICT)
class Alert:
    """A rule that flags an accepted reading."""

    name: Identifier
    severity: Literal["info", "warning", "critical"]
    when: Condition
    description: str = ""


@dataclass(frozen=True, config=_STRICT)
class Window:
    """A sliding interval computed from panes."""

    length: Duration
    slide: Duration


@dataclass(frozen=True, config=_STRICT)
class Windows:
    """The pane and the sliding windows built from it."""

    pane: Duration
    sliding: tuple[Window, ...] = ()


@dataclass(frozen=True, config=_STRICT)
class Kafka:
    """The feed's topic; `max_message` in bytes."""

    partitions: Annotated[int, Interval(ge=1, le=64)] = 4
    retention: Duration = timedelta(days=7)
    max_message: Annotated[int, Interval(ge=1024, le=16 * 1024 * 1024)] = 256 * 1024
    transactions: bool = False


@dataclass(frozen=True, config=_STRICT)
class Stream:
    """How the feed's stream runs: time between batches, rows in a batch at most."""

    trigger: Duration = timedelta(milliseconds=500)
    max_rows: Annotated[int, Interval(ge=100, le=1_000_000)] = 200_000


@dataclass(frozen=True, config=_STRICT)
class Model:
    """The learned model `name` predicts the field `target`.

    It is trained monthly, weekly, daily, or when its error drifts, on labels that are at least
    `label_delay` old: so long it takes until somebody knows the true value. In the `stream` each
    reading is scored as it is stored; `nightly`, the day ahead is forecast.
    """

    name: Literal["nox", "consumption"]
    target: Identifier
    cadence: Literal["monthly", "weekly", "daily", "drift"] = "daily"
    scored: Literal["stream", "nightly"] = "stream"
    label_delay: Duration = timedelta(days=1)


@dataclass(frozen=True, config=_STRICT)
class Retention:
    """How long rows are kept; None is for ever."""

    readings: Duration | None = None
    panes: Duration | None = None


@dataclass(frozen=True, config=_STRICT)
class Feed:
    """One kind of reading. Identity of a reading: (sensor, event time in milliseconds)."""

    feed: Identifier
    title: str
    sensor: JsonPath
    event_time: JsonPath
    fields: Annotated[dict[str, Field], BeforeValidator(_named)]
    windows: Windows
    late_after: Duration
    description: str = ""
    position: Position | None = None
    status: Status | None = None
    alerts: Annotated[dict[str, Alert], BeforeValidator(_named)] = field(default_factory=dict)
    kafka: Kafka = field(default_factory=Kafka)
    stream: Stream = field(default_factory=Stream)
    retention: Retention = field(default_factory=Retention)
    oldest: date = date(2000, 1, 1)
    clock_skew: Duration = timedelta(minutes=5)
    aliases: dict[Literal["readings", "windows"], Identifier] = field(default_factory=dict)
    sinks: tuple[Literal["documents"], ...] = ()
    """Where accepted readings are kept beside the warehouse."""
    model: Model | None = None

    @property
    def name(self) -> str:
        """The feed's name as used in tables, topics and DAG ids."""
        return self.feed

    @property
    def scored_model(self) -> Model | None:
        """The model that scores each reading as it is stored, if there is one."""
        return self.model if self.model and self.model.scored == "stream" else None

    @property
    def nightly_model(self) -> Model | None:
        """The model that forecasts the day ahead of each sensor, if there is one."""
        return self.model if self.model and self.model.scored == "nightly" else None

    @property
    def topic(self) -> str:
        """The Kafka topic the readings arrive on."""
        return f"readings.{self.feed}"

    @property
    def oldest_time(self) -> datetime:
        """Readings measured before this moment are `expired`."""
        return datetime.combine(self.oldest, datetime.min.time(), UTC)

    @property
    def hash(self) -> str:
        """A fingerprint of the whole contract: two contracts are the same if it is."""
        return sha256(TypeAdapter(Feed).dump_json(self)).hexdigest()[:16]
