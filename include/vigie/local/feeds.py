"""Which feeds `vigie up` brings to life, and whether a contract changed."""

from __future__ import annotations

from collections.abc import Sequence

from vigie.contract.loader import feed_files, get_feed, load_feeds
from vigie.settings import get_settings

_LIST = "started.txt"


def chosen_feeds(names: str | None) -> Sequence[str]:
    """The feeds named, separated by commas; `all`, or by default those the feeds folder lists.

    The list is `started.txt` beside the contracts, one name per line; without it, all feeds.

    Raises:
        ContractError: There is no contract of such a name.
    """
    listed = get_settings().feeds / _LIST
    if names is None and listed.is_file():
        names = ",".join(listed.read_text("utf-8").split())
    if names is None or names == "all":
        return [path.stem for path in feed_files()]
    return [get_feed(name.strip()).name for name in names.split(",") if name.strip()]


def contracts() -> str:
    """All contracts in a word, another one as soon as any of them changes."""
    return "-".join(feed.hash for feed in load_feeds().values())
