"""The Power BI project: the files that follow from contracts, sites and pages, and writing them.

What is not among them stands in the folder by hand: the theme, the two sources in YAML, and pages
that somebody made in Power BI Desktop, which stay and keep their place after ours.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from vigie.contract.feed import Feed
from vigie.errors import PowerBIError
from vigie.generated import Changes, differing
from vigie.powerbi.model import model_files
from vigie.powerbi.pages import Page, load_pages
from vigie.powerbi.sites import load_sites
from vigie.powerbi.visuals import SCHEMAS, Json, heading_json, page_json, visual_json

_MODEL = Path("Vigie.SemanticModel/definition")
_REPORT = Path("Vigie.Report/definition")


def project_files(feeds: Sequence[Feed], folder: Path) -> dict[Path, str]:
    """What generated files should say: path under `folder` → text.

    Raises:
        PowerBIError: `sites.yaml` or `pages.yaml` is wrong.
    """
    sites = load_sites(folder / "sites.yaml", {feed.name for feed in feeds})
    pages = load_pages(folder / "pages.yaml")
    files = {_MODEL / name: text for name, text in model_files(feeds, sites).items()}
    order = [*pages, *_own_pages(folder, pages)]
    listed: Json = {
        "$schema": f"{SCHEMAS}/pagesMetadata/1.0.0/schema.json",
        "pageOrder": order,
        "activePageName": order[0],
    }
    files[_REPORT / "pages/pages.json"] = _text(listed)
    for name, page in pages.items():
        for file, made in _page(name, page).items():
            files[_REPORT / "pages" / name / file] = _text(made)
    return files


def due(feeds: Sequence[Feed], folder: Path) -> Changes:
    """What generating would change in the project."""
    wanted = project_files(feeds, folder)
    return differing(wanted, folder, _written(folder, wanted))


def _page(name: str, page: Page) -> dict[str, Json]:
    files = {"page.json": page_json(name, page), "visuals/heading/visual.json": heading_json(page)}
    # One tabs through a page as one reads it: by rows, then from left to right.
    read = sorted(page.visuals.items(), key=lambda item: (item[1].at[1], item[1].at[0]))
    for order, (visual, shown) in enumerate(read, 1):
        files[f"visuals/{visual}/visual.json"] = visual_json(visual, shown, order)
    return files


def _own_pages(folder: Path, pages: dict[str, Page]) -> list[str]:
    """Pages that are in the folder and not ours to write."""
    listed = folder / _REPORT / "pages/pages.json"
    if not listed.is_file():
        return []
    try:
        order: list[str] = json.loads(listed.read_text("utf-8"))["pageOrder"]
    except (ValueError, KeyError) as error:
        message = f"{listed}: found {error!r}, expected JSON with `pageOrder`; mend or remove it"
        raise PowerBIError(message) from error
    return [
        name
        for name in order
        if name not in pages and (listed.parent / name / "page.json").is_file()
    ]


def _written(folder: Path, wanted: dict[Path, str]) -> list[Path]:
    """Files there now, in the folders that hold generated files alone."""
    pages = {path.parts[3] for path in wanted if path.parts[:3] == (*_REPORT.parts, "pages")}
    owned = [folder / _MODEL, *(folder / _REPORT / "pages" / name for name in pages)]
    return sorted(
        path.relative_to(folder)
        for root in owned
        if root.is_dir()
        for path in root.rglob("*")
        if path.is_file()
    )


def _text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
