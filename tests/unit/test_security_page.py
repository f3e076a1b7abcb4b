"""The page on security names tests that exist."""

from __future__ import annotations

import re

from vigie.settings import HOME


def test_every_test_it_names_is_there() -> None:
    file, named = "", []
    for name in re.findall(r"`((?:tests/[\w/]+\.py)?(?:::\w+)?)`", page()):
        path, _, test = name.partition("::")
        file = path or file
        named.append((file, test))

    assert len(named) > 15
    missing = [
        (file, test)
        for file, test in named
        if not (HOME / file).is_file() or f"def {test}" not in (HOME / file).read_text()
    ]
    assert missing == []


def page() -> str:
    return (HOME / "docs" / "security.md").read_text()
