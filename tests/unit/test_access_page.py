"""The page of who may do what is the matrix that the tests ask."""

from __future__ import annotations

from tests.access import PAGE, load, page
from vigie.local.ports import USUAL


def test_the_page_is_written_from_the_matrix() -> None:
    assert PAGE.read_text() == page(), "python -m tests.access"


def test_each_line_says_of_each_who_asks_what_they_get() -> None:
    for part in load().values():
        assert {len(got) for got in part.lines.values()} == {len(part.who)}, part.title


def test_each_part_of_the_local_stack_has_a_line() -> None:
    assert set(load()["parts"].lines) == set(USUAL)
