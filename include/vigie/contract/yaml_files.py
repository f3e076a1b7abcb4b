"""Reads a YAML file into a frozen dataclass and names every fault of the file at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from vigie.contract.checks import Fault
from vigie.errors import VigieError

T = TypeVar("T")
Checks = Callable[[Mapping[str, Any], str], Iterable[Fault]]


def load_yaml(path: Path, adapter: TypeAdapter[T], *, checks: Checks, error: type[VigieError]) -> T:
    """Read `path` as what `adapter` describes; `checks` see the raw mapping and the file's stem.

    Raises:
        VigieError: Of the class `error`; the message lists every fault: key, found, expected.
    """
    raw, faults = _read(path)
    if not faults:
        try:
            loaded = adapter.validate_python(raw)
        except ValidationError as invalid:
            faults += [_fault(detail) for detail in invalid.errors()]
        faults += checks(raw, path.stem)
    if faults:
        lines = "\n".join(f"  {fault}" for fault in faults)
        message = f"{path}: {len(faults)} fault(s)\n{lines}"
        raise error(message)
    return loaded


def _read(path: Path) -> tuple[Mapping[str, Any], list[Fault]]:
    try:
        raw = YAML(typ="safe", pure=True).load(path)
    except (MarkedYAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else "file"
        found = getattr(error, "problem", None) or str(error)
        return {}, [Fault(where, found, "YAML in UTF-8 with each key once")]
    if not isinstance(raw, Mapping):
        return {}, [Fault("file", type(raw).__name__, "a mapping that starts with `feed:`")]
    return raw, []


def _fault(detail: Any) -> Fault:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] in ("missing", "missing_argument"):
        return Fault(key, "nothing", "a value")
    if detail["type"] == "unexpected_keyword_argument":
        return Fault(key, "an unknown key", "only the keys such a file has")
    return Fault(key, repr(detail["input"]), detail["msg"].removeprefix("Input should be "))
