from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from vigie.contract.feed import Feed, Field, Kafka, Retention, Stream, Windows
from vigie.contract.loader import feed_files, load_feed
from vigie.contract.new_feed import new_contract
from vigie.errors import ContractError


def written(folder: Path, text: str) -> Feed:
    (folder / "pump.yaml").write_text(text, "utf-8")
    return load_feed(folder / "pump.yaml")


def test_the_text_is_a_valid_contract_as_it_stands(tmp_path: Path) -> None:
    assert written(tmp_path, new_contract("pump")).title == "Pump"


def test_every_option_is_valid_and_taught(tmp_path: Path) -> None:
    text = new_contract("pump")
    feed = written(tmp_path, re.sub(r"^#(?=\w| {2}\w+: \{)", "", text, flags=re.MULTILINE))

    assert {"count", "is_open"} < set(feed.fields)
    left_out = [part.name for part in fields(Feed) if not getattr(feed, part.name)]
    assert left_out == []
    for part in (Field, Kafka, Stream, Retention, Windows):
        untaught = [key.name for key in fields(part) if f"{key.name}:" not in text]
        assert set(untaught) <= {"name", "description"}


@pytest.mark.parametrize("name", ["Pump", "1pump", "pump-1", "", "../pump", "p" * 41])
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(ContractError, match="expected a lower-case letter"):
        new_contract(name)


def test_a_known_name_is_refused() -> None:
    with pytest.raises(ContractError, match="exists; choose another name"):
        new_contract(feed_files()[0].stem)


def test_the_empty_file_of_a_redirection_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "pump.yaml").touch()

    assert new_contract("pump", tmp_path)
