"""Reads files of SenML, a pack of named measurements in each line, as a table of texts.

    {"e": [{"n": "source", "sv": "a1"}, {"n": "temperature", "v": "8"}], "bt": 1422748800000}

becomes a row with the columns `source`, `temperature` and `bt`. What stands in a line before the
pack is passed over. A pack is an object with its records under `e`, or an array (RFC 8428).
"""

from __future__ import annotations

import gzip
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd

from vigie.errors import RecipeError
from vigie.replay.faults import Refuse

_BASE = ("bn", "bt")
"""What holds for all records of a pack; columns of these names."""
_VALUES = ("v", "vs", "sv", "vb", "bv")
_EXPECTED = 'a SenML pack that names each value once, as in {"e": [{"n": "humidity", "v": 50}]}'
_SHOWN = 80


def read_packs(path: Path, wanted: Collection[str], encoding: str, refuse: Refuse) -> pd.DataFrame:
    """The `wanted` columns as texts, NaN where a pack lacks them.

    The index counts the lines that are not empty, from 0. Lines without a pack go to `refuse`.

    Raises:
        RecipeError: The file cannot be read, or no pack has one of the columns.
    """
    try:
        lines = [line for _, line in numbered_lines(path, encoding)]
    except (OSError, EOFError, UnicodeError, LookupError) as error:
        raise RecipeError(f"{path}: {error}; expected lines of SenML in {encoding}") from error
    packs = [_pack(line) for line in lines]
    shown = pd.Series([line[:_SHOWN] for line in lines], name="SenML", dtype=object)
    refuse(path, shown, np.array([pack is None for pack in packs], dtype=bool), _EXPECTED)
    absent = sorted(set(wanted).difference(*(pack for pack in packs if pack)))
    if absent:
        raise RecipeError(
            f"{path}: no pack has {', '.join(map(repr, absent))}; expected all of "
            f"{', '.join(map(repr, sorted(wanted)))}. Is it another format, with another recipe?"
        )
    rows = [[(pack or {}).get(name) for name in wanted] for pack in packs]
    table = pd.DataFrame(rows, columns=list(wanted), dtype=object)
    return table.where(table.notna())


def numbered_lines(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    """Each line that is not empty with its number, from 1; `.gz` is read as it is."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding=encoding) as file:
        yield from ((number, line.strip()) for number, line in enumerate(file, 1) if line.strip())


def _pack(line: str) -> dict[str, str] | None:
    """The texts of a pack by name; None if the line holds none, or a name twice."""
    begin = min((at for at in map(line.find, "{[") if at >= 0), default=0)
    try:
        pack: Any = orjson.loads(line[begin:])
    except orjson.JSONDecodeError:
        return None
    records = pack.get("e") if isinstance(pack, dict) else pack
    if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
        return None
    base = [
        r for r in ([pack] if isinstance(pack, dict) else records) if not r.keys().isdisjoint(_BASE)
    ]
    texts = {name: _text(r[name]) for r in base for name in _BASE if name in r}
    for record in records:
        name = record.get("n")
        if name in texts:
            return None
        value = next((record[key] for key in _VALUES if record.get(key) is not None), None)
        if isinstance(name, str) and value is not None:
            texts[name] = _text(value)
    return texts


def _text(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
