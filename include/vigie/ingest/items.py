"""Takes a request's body apart into items, each with its own text: what came is what is sent on."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from vigie.errors import BodyError

_BLANK = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True)
class NotJson:
    """Stands for NaN and Infinity, which Python reads and JSON does not have."""

    word: str

    def __str__(self) -> str:
        return self.word


@dataclass(frozen=True)
class Item:
    """One item: its text as it came, and what it says."""

    text: str
    value: Any


_DECODER = json.JSONDecoder(parse_constant=NotJson)


def take_apart(body: bytes) -> list[Item]:
    """The items of a body: one, or those of its array.

    Raises:
        BodyError: It is not JSON in UTF-8, or more than one value.
    """
    try:
        return _items(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        message = f"the body is not UTF-8 at byte {error.start}, expected JSON in UTF-8"
        raise BodyError(message) from error
    except RecursionError as error:
        raise BodyError("the body is nested too deeply to be read") from error
    except ValueError as error:
        raise BodyError(f"the body is not JSON: {error}") from error


def take_line(line: bytes) -> Item:
    """The one item of a line, an array included.

    Raises:
        BodyError: It is not JSON in UTF-8, or more than one value.
    """
    try:
        text = line.decode("utf-8").strip()
        item, end = _item(text, 0)
    except UnicodeDecodeError as error:
        raise BodyError(f"not UTF-8 at byte {error.start + 1}, expected JSON in UTF-8") from error
    except RecursionError as error:
        raise BodyError("nested too deeply to be read") from error
    except json.JSONDecodeError as error:
        raise BodyError(f"not JSON: {error.msg} at character {error.pos + 1}") from error
    except ValueError as error:
        raise BodyError(f"not JSON: {error}") from error
    if end != len(text):
        raise BodyError(f"more than one value: expected the line's end at character {end + 1}")
    return item


def _items(text: str) -> list[Item]:
    at = _skip(text, 0)
    if text[at : at + 1] == "[":
        items, at = _array(text, _skip(text, at + 1))
    else:
        item, at = _item(text, at)
        items = [item]
    at = _skip(text, at)
    if at != len(text):
        raise json.JSONDecodeError("expected the end, or items in one array", text, at)
    return items


def _array(text: str, at: int) -> tuple[list[Item], int]:
    """The items from `at`, behind the bracket, and where the array ends."""
    items: list[Item] = []
    if text[at : at + 1] == "]":
        return items, at + 1
    while True:
        item, at = _item(text, at)
        items.append(item)
        at = _skip(text, at)
        mark = text[at : at + 1]
        if mark == "]":
            return items, at + 1
        if mark != ",":
            raise json.JSONDecodeError("expected , or ] behind an item", text, at)
        at = _skip(text, at + 1)


def _item(text: str, at: int) -> tuple[Item, int]:
    value, end = _DECODER.raw_decode(text, at)
    return Item(text[at:end], value), end


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at
