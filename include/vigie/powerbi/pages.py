"""The report's pages as `powerbi/pages.yaml` says them: what is shown where, of which fields."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Interval, MinLen
from pydantic import BeforeValidator, ConfigDict, StringConstraints, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from vigie.errors import PowerBIError

_STRICT = ConfigDict(extra="forbid")
_REFERENCE = re.compile(r"([^\[\]]+)\[([^\[\]]+)\](?: as (.+))?")
WIDTH, HEIGHT = 1280, 720

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,49}$")]
Shown = Annotated[str, StringConstraints(min_length=1)]


@dataclass(frozen=True, config=_STRICT)
class Projection:
    """A measure or column, `Table[Name]`, and what it is called in the visual."""

    table: str
    field: str
    label: str

    @property
    def is_measure(self) -> bool:
        """Whether it is a measure: they are all in one table."""
        return self.table == "Measures"


def _projection(text: object) -> object:
    """Read `Table[Name] as Label`; the label may be left out."""
    match = _REFERENCE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return text
    return {"table": match[1], "field": match[2], "label": match[3] or match[2]}


@dataclass(frozen=True, config=_STRICT)
class Visual:
    """One visual: type, place (x, y, width, height in a page of 1280 by 720), roles and fields."""

    type: str
    at: tuple[int, int, int, int]
    title: Shown
    alt: Shown
    show: dict[str, list[Annotated[Projection, BeforeValidator(_projection)]]]
    set: dict[str, str | bool | int] | None = None
    """Formatting: `object.property` → value."""
    order: str = ""
    """Sort by that field, downwards."""


@dataclass(frozen=True, config=_STRICT)
class Page:
    """One page; `refresh` in seconds has every visual ask the database again."""

    title: Shown
    words: Shown
    """What the page answers, in a sentence at its top."""
    visuals: Annotated[dict[Name, Visual], MinLen(1)]
    refresh: Annotated[int, Interval(ge=1)] | None = None


_ADAPTER: TypeAdapter[dict[str, Page]] = TypeAdapter(dict[Name, Page])


def load_pages(path: Path) -> dict[str, Page]:
    """Read the pages, in the order they are shown.

    Raises:
        PowerBIError: The file is wrong; the message names every fault.
    """
    try:
        raw: Any = YAML(typ="safe", pure=True).load(path)
        return _ADAPTER.validate_python(raw)
    except ValidationError as error:
        faults = "\n".join(
            f"  {'.'.join(map(str, fault['loc']))}: found {fault['input']!r}: {fault['msg']}"
            for fault in error.errors()
        )
        message = f"{path}: {error.error_count()} fault(s)\n{faults}"
        raise PowerBIError(message) from error
    except (OSError, MarkedYAMLError) as error:
        message = f"{path}: {error}"
        raise PowerBIError(message) from error
