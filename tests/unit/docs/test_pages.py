"""The pages under docs/ say what code and contracts say, and point at what there is."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from typer.main import get_command

from tests.unit.docs.markdown import PAGES, anchors, code, links
from vigie.cli.app import app
from vigie.contract.loader import load_feeds
from vigie.settings import HOME, Settings

pytestmark = pytest.mark.unit

ROOT = get_command(app)
SETTINGS = {f"VIGIE_{name.upper()}" for name in Settings.model_fields}
# What the code reads beside the settings; docs/settings.md lists what concerns people.
OTHERS = {"VIGIE_PORTS", "VIGIE_TEST_MSSQL_URL"}
OTHERS |= {f"VIGIE_TEST_WITHOUT_{what}" for what in ("TSQL", "BROWSER", "PROMETHEUS")}
TARGETS = set(re.findall(r"^([a-z-]+):", (HOME / "Makefile").read_text(), re.MULTILINE))
VERBS = "|".join(
    sorted({re.split("_(?!up)", path.stem)[0] for path in (HOME / "dags").glob("*.py")})
)


GENERATED = {"alerts", "api", "commands", "dags", "metrics", "settings", "tables"}
# Decisions tell of their time.
BY_HAND = [path for path in PAGES if path.stem not in GENERATED and path.parent.name != "adr"]


def named(path: Path) -> str:
    return str(path.relative_to(HOME))


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_there_are_pages() -> None:
    assert {"README.md", "docs/delivery.md", "docs/adr/README.md"} <= set(map(named, PAGES))


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_link_leads_somewhere(path: Path) -> None:
    broken = []
    for link in links(path):
        file, _, anchor = unquote(link).partition("#")
        if re.match(r"[a-z]+:", file):
            continue
        target = Path(os.path.normpath(path.parent / file)) if file else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_variable_is_read_by_something(path: Path) -> None:
    found = set(re.findall(r"\bVIGIE_[A-Z_]*[A-Z]\b(?!_)", path.read_text("utf-8")))
    assert found <= SETTINGS | OTHERS


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_target_of_make_exists(path: Path) -> None:
    found = {
        word
        for line in code(path)
        for word in re.findall(r"(?:^|&& |; )make ((?:[a-z-]+ ?)+)", line)
        for word in word.split()
    }
    assert found <= TARGETS


@pytest.mark.parametrize("path", BY_HAND, ids=named)
def test_every_command_and_option_exists(path: Path) -> None:
    unknown = [line for line in code(path) if line.startswith("vigie ") and not known(line)]
    assert unknown == []


@pytest.mark.parametrize("path", BY_HAND, ids=named)
def test_every_dag_exists(path: Path) -> None:
    looks_like_one = rf"^(?:{VERBS})_[a-z_<>]+$|(?<=--dag-id )[a-z_]+\b"
    found = {name for line in code(path) for name in re.findall(looks_like_one, line)}
    assert found <= dags()


def known(line: str) -> bool:
    """Whether the first words are a command, and the rest options that it has."""
    words = shlex.split(line.partition(" > ")[0].replace("…", ""), comments=False)[1:]
    command: Any = ROOT
    while words and hasattr(command, "commands"):
        if words[0] not in command.commands:
            return words[0].startswith("--") or words == [""]
        command = command.commands[words.pop(0)]
    options = {name for part in command.params for name in (*part.opts, *part.secondary_opts)}
    used = {word.partition("=")[0] for word in words if re.match(r"--\w", word)}
    return used <= options | {"--help"}


@cache
def dags() -> set[str]:
    """Ids of DAGs as the page has them, and as each feed and model fills them in."""
    ids = re.findall(r"^## `(.+)`$", (HOME / "docs/dags.md").read_text("utf-8"), re.MULTILINE)
    return {filled for name in ids for filled in (name, *_filled(name))}


def _filled(name: str) -> Iterator[str]:
    yield name.replace("<feed>", "cold_store")  # the sixth feed of the examples
    for feed in load_feeds().values():
        yield name.replace("<feed>", feed.name)
        if feed.model:
            yield name.replace("<model>", feed.model.name)
