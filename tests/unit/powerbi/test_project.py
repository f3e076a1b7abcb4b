from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.errors import PowerBIError
from vigie.generated import write
from vigie.powerbi.pages import load_pages
from vigie.powerbi.project import due
from vigie.powerbi.sites import load_sites
from vigie.settings import get_settings

FEEDS = list(load_feeds().values())
TABLES = Path("Vigie.SemanticModel/definition/tables")
PAGES = Path("Vigie.Report/definition/pages")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The project without sites, which would name feeds that a test leaves out."""
    copy = shutil.copytree(get_settings().powerbi, tmp_path / "powerbi")
    (copy / "sites.yaml").write_text("{}")
    return copy


def test_generating_changes_no_committed_file() -> None:
    assert due(FEEDS, get_settings().powerbi) == {}


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_a_feed_that_leaves_takes_its_tables_along(folder: Path, feed: Feed) -> None:
    changes = due([other for other in FEEDS if other is not feed], folder)

    assert changes[TABLES / f"{feed.name} hourly.tmdl"] is None
    assert f"'{feed.name} " not in (changes[TABLES / "Measures.tmdl"] or "")


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_a_field_renamed_gets_measures_and_loses_the_old(folder: Path, feed: Feed) -> None:
    old, field = next(iter(feed.fields.items()))
    fields = {"renewed": replace(field, name="renewed")} | {
        name: kept for name, kept in feed.fields.items() if name != old
    }
    changed = replace(feed, fields=fields, alerts={}, model=None)

    measures = due([changed], folder)[TABLES / "Measures.tmdl"] or ""

    assert f"measure '{feed.name} renewed mean'" in measures
    assert f"'{feed.name} {old} mean'" not in measures


def test_what_was_written_is_not_due_again(folder: Path) -> None:
    shutil.rmtree(folder / TABLES.parent)
    write(due(FEEDS[:2], folder), folder)
    assert due(FEEDS[:2], folder) == {}
    write(due(FEEDS, folder), folder)
    assert due(FEEDS, folder) == {}


def test_a_page_made_in_desktop_stays_and_one_of_ours_taken_out_goes(folder: Path) -> None:
    own = folder / PAGES / "own"
    shutil.copytree(folder / PAGES / "compare", own)
    listed = json.loads((folder / PAGES / "pages.json").read_text("utf-8"))
    listed["pageOrder"].insert(1, "own")
    (folder / PAGES / "pages.json").write_text(json.dumps(listed), "utf-8")

    write(due(FEEDS, folder), folder)

    assert (own / "page.json").is_file()
    order = json.loads((folder / PAGES / "pages.json").read_text("utf-8"))["pageOrder"]
    assert order == [*load_pages(folder / "pages.yaml"), "own"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Works: {no_such_feed: [a]}", "names the feed 'no_such_feed', which has no contract"),
        ("A: {fleet: [v1]}\nB: {fleet: [v1]}", r"fleet\|v1 is of both 'A' and 'B'"),
        ("Works: [a, b]", "expected sites, each with feeds and lists of sensors"),
    ],
)
def test_a_wrong_site_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "sites.yaml").write_text(text)
    with pytest.raises(PowerBIError, match=said):
        load_sites(tmp_path / "sites.yaml", {feed.name for feed in FEEDS})


def test_a_wrong_page_is_named_with_every_fault(tmp_path: Path) -> None:
    (tmp_path / "pages.yaml").write_text(
        "one:\n  title: One\n  words: Why\n  visuals:\n"
        "    a: {type: slicer, at: [0, 0, 1, 1], title: A, show: {Values: [nothing]}}\n"
    )
    with pytest.raises(PowerBIError, match=r"(?s)one\.visuals\.a\.alt.*one\.visuals\.a\.show"):
        load_pages(tmp_path / "pages.yaml")


def _measured() -> Iterator[tuple[str, str, str]]:
    """Visual, what is written on it, and the unit of a field of a feed that it shows."""
    units = {
        f"{feed.name} {field.name} ": field.unit
        for feed in FEEDS
        for field in feed.fields.values()
        if field.unit
    }
    for page, made in load_pages(get_settings().powerbi / "pages.yaml").items():
        for name, visual in made.visuals.items():
            for shown in (part for parts in visual.show.values() for part in parts):
                for prefix, unit in units.items():
                    if shown.is_measure and shown.field.startswith(prefix):
                        yield f"{page}/{name}", f"{visual.title} {shown.label}", unit


def test_what_has_a_unit_says_it() -> None:
    measured = list(_measured())
    assert len(measured) > 10
    assert [place for place, words, unit in measured if f"({unit})" not in words] == []


def _contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2."""

    def luminance(colour: str) -> float:
        parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        red, green, blue = (
            p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_colour_of_the_theme_can_be_seen_on_its_background() -> None:
    resources = get_settings().powerbi / "Vigie.Report/StaticResources/RegisteredResources"
    theme = json.loads((resources / "vigie-theme.json").read_text("utf-8"))
    text = [theme["foreground"], *(style["color"] for style in theme["textClasses"].values())]
    assert min(_contrast(colour, theme["background"]) for colour in text) >= 4.5
    assert min(_contrast(colour, theme["background"]) for colour in theme["dataColors"]) >= 3
