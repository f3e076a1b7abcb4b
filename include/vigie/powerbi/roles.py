"""One role per site: its members see the rows of that site's sensors, imported and live."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from vigie.contract.feed import Feed
from vigie.powerbi.dax import dax_text
from vigie.powerbi.facts import live_tables
from vigie.powerbi.sites import Sites
from vigie.powerbi.tmdl import HEADER, quoted


def role_name(site: str) -> str:
    """The role of a site."""
    return f"Site {site}"


def role_files(feeds: Iterable[Feed], sites: Sites) -> Iterator[tuple[str, str]]:
    """The file name and text of each role."""
    feeds = list(feeds)
    for site, keys in sites.items():
        yield f"{role_name(site)}.tmdl", HEADER + "\n".join(_role(feeds, site, keys)) + "\n"


def _role(feeds: Iterable[Feed], site: str, keys: Sequence[str]) -> Iterator[str]:
    yield f"role {quoted(role_name(site))}"
    yield "\tmodelPermission: read"
    # The imported facts follow from the sensors by their relationships.
    yield ""
    yield f"\ttablePermission Sensor = Sensor[Site] = {dax_text(site)}"
    # What is asked live has no relationship, which would cross from one source into another.
    for feed in feeds:
        own = ", ".join(dax_text(key) for key in keys if key.startswith(f"{feed.name}|"))
        for name in map(quoted, live_tables(feed)):
            yield ""
            allowed = f"{name}[sensor_key] IN {{{own}}}" if own else "FALSE()"
            yield f"\ttablePermission {name} = {allowed}"
