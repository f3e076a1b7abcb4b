"""Reads contract files into feeds; one run names every fault of a file."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path

from pydantic import TypeAdapter

from vigie.contract.checks import cross_checks
from vigie.contract.feed import Feed
from vigie.contract.yaml_files import load_yaml
from vigie.errors import ContractError
from vigie.settings import get_settings

_ADAPTER = TypeAdapter(Feed)


def feed_files(folder: Path | None = None) -> list[Path]:
    """List the contract files of `folder` (the feeds setting by default), by name."""
    return sorted((folder or get_settings().feeds).glob("*.yaml"))


@cache
def load_feeds(folder: Path | None = None) -> dict[str, Feed]:
    """Load every contract of `folder`.

    Raises:
        ContractError: A file is wrong; the message names all faults of the first such file.
    """
    return {path.stem: load_feed(path) for path in feed_files(folder)}


def feed_titles() -> dict[str, str]:
    """Every feed's name and title; a feed whose contract is wrong has its name for a title.

    So one wrong file does not hide the feeds beside it.
    """
    return {path.stem: _title(path) for path in feed_files()}


def contract_fault(name: str) -> str | None:
    """What is wrong with a feed's contract, if anything."""
    try:
        get_feed(name)
    except ContractError as error:
        return str(error)
    return None


def get_feed(name: str) -> Feed:
    """Load the contract of one feed by its name.

    Raises:
        ContractError: There is no such feed, or its contract is wrong.
    """
    path = get_settings().feeds / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(p.stem for p in feed_files()) or "none"
        message = f"feed {name!r}: no contract at {path}; known feeds: {known}"
        raise ContractError(message)
    return load_feed(path)


def _title(path: Path) -> str:
    try:
        return load_feed(path).title
    except ContractError:
        return path.stem


def load_feed(path: Path) -> Feed:
    """Load one contract file.

    Raises:
        ContractError: The message lists every fault: key, found, expected.
    """
    found = path.stat()
    return _load_once(path, (found.st_mtime_ns, found.st_size))


@lru_cache(maxsize=256)
def _load_once(path: Path, _: tuple[int, int]) -> Feed:
    # The Streams page asks every other second; reading a contract takes some milliseconds.
    return load_yaml(path, _ADAPTER, checks=cross_checks, error=ContractError)
