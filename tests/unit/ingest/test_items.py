from __future__ import annotations

import pytest

from vigie.errors import BodyError
from vigie.ingest.items import NotJson, take_apart

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        (b'{"a": 1.50}', ['{"a": 1.50}']),
        (b' [ {"a":1} ,\n{"a" : 12345678901234567890123 } ]\n', None),
        (b"[]", []),
        (b"[1, [2, 3], null]", ["1", "[2, 3]", "null"]),
        ('{"é": "\\u0000"}'.encode(), ['{"é": "\\u0000"}']),
    ],
)
def test_an_item_keeps_its_own_text(body: bytes, texts: list[str] | None) -> None:
    expected = texts if texts is not None else ['{"a":1}', '{"a" : 12345678901234567890123 }']
    assert [item.text for item in take_apart(body)] == expected


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "char 0"),
        (b"{", "char 1"),
        (b'{"a": 1} {"a": 2}', "char 9"),
        (b'[{"a": 1} {"a": 2}]', "char 10"),
        (b"[1, 2", "char 5"),
        (b'{"a": "\xff"}', "byte 7"),
        (b"[" * 100_000, "too deeply"),
        (b"9" * 5000, "not JSON"),
    ],
)
def test_a_body_that_is_not_json_is_refused_with_the_place(body: bytes, says: str) -> None:
    with pytest.raises(BodyError, match=says):
        take_apart(body)


def test_words_that_json_does_not_have_are_told_apart() -> None:
    (item,) = take_apart(b'{"a": NaN, "b": -Infinity}')
    assert item.value == {"a": NotJson("NaN"), "b": NotJson("-Infinity")}
