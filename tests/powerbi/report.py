"""Whether a report shows what its model has, within the page, with words for who cannot see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from tests.powerbi.model import Model

_SCHEMAS = Path(__file__).with_name("schemas")
_PUBLISHED = "https://developer.microsoft.com/json-schemas/"
_DEFINITION = _PUBLISHED + "fabric/item/report/definition/"


def json_files(project: Path) -> Iterator[Path]:
    """Every JSON file of a project that must name its schema."""
    for path in sorted(project.rglob("*")):
        is_json = path.suffix in (".json", ".pbir", ".pbism", ".pbip") or path.name == ".platform"
        if is_json and "StaticResources" not in path.parts:
            yield path


def schema_faults(project: Path) -> Iterator[str]:
    registry = _registry()
    for path in json_files(project):
        place = path.relative_to(project).as_posix()
        try:
            content = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            yield f"{place}: {error}"
            continue
        url = content.get("$schema", "")
        if url not in registry:
            yield f"{place}: no schema {url!r} is kept here"
            continue
        schema = registry[url].contents
        for error in Draft7Validator(schema, registry=registry).iter_errors(content):
            yield f"{place}: {error.json_path}: {error.message[:200]}"


def report_faults(project: Path, model: Model) -> Iterator[str]:
    pages = project / "Vigie.Report/definition/pages"
    for page in sorted(path for path in pages.iterdir() if path.is_dir()):
        try:
            size = json.loads((page / "page.json").read_text("utf-8"))
            found = sorted(page.glob("visuals/*/visual.json"))
            visuals = {path: json.loads(path.read_text("utf-8")) for path in found}
        except (OSError, ValueError):
            continue  # the schemas name it
        orders = [visual["position"].get("tabOrder") for visual in visuals.values()]
        if None in orders or len(set(orders)) != len(orders):
            yield f"{page.name}: two visuals have one place in the order of tabs, or none"
        for path, visual in visuals.items():
            place = f"{page.name}/{path.parent.name}"
            yield from (f"{place}: {fault}" for fault in _visual(visual, size, model))
        yield from (f"{page.name}: {fault}" for fault in _overlaps(visuals))


def fields(value: Any) -> Iterator[tuple[str, str, str]]:
    """Every field that JSON refers to, at any depth: kind, table, name."""
    if isinstance(value, dict):
        for kind in ("Column", "Measure"):
            if isinstance(value.get(kind), dict) and "Property" in value[kind]:
                entity = value[kind]["Expression"]["SourceRef"]["Entity"]
                yield kind, entity, value[kind]["Property"]
        for part in value.values():
            yield from fields(part)
    elif isinstance(value, list):
        for part in value:
            yield from fields(part)


def literal(container: Any, name: str, of: str) -> str:
    """A text that a visual's container says, or nothing."""
    try:
        value = container[of][0]["properties"][name]["expr"]["Literal"]["Value"]
    except (KeyError, IndexError, TypeError):
        return ""
    return str(value).strip("'")


def _visual(visual: Any, page: Any, model: Model) -> Iterator[str]:
    for kind, table, name in fields(visual):
        if kind == "Measure" and model.measures.get(name) != table:
            yield f"no measure {table}[{name}] in the model"
        if kind == "Column" and name not in model.columns.get(table, ()):
            yield f"no column {table}[{name}] in the model"
    inner = visual.get("visual", {})
    container = inner.get("visualContainerObjects")
    if not literal(container, "altText", "general"):
        yield "has no alternative text"
    if inner.get("visualType") != "textbox" and not literal(container, "text", "title"):
        yield "has no title"
    place = visual["position"]
    if place["x"] < 0 or place["x"] + place["width"] > page["width"]:
        yield "does not fit into the page's width"
    if place["y"] < 0 or place["y"] + place["height"] > page["height"]:
        yield "does not fit into the page's height"


def _overlaps(visuals: dict[Path, Any]) -> Iterator[str]:
    boxes = [(path.parent.name, visual["position"]) for path, visual in visuals.items()]
    for i, (name, a) in enumerate(boxes):
        for other, b in boxes[i + 1 :]:
            beside = a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
            above = a["y"] + a["height"] <= b["y"] or b["y"] + b["height"] <= a["y"]
            if not beside and not above:
                yield f"{name} and {other} overlap"


def _registry() -> Registry[Any]:
    root = _SCHEMAS / "microsoft"
    resources = []
    for path in root.rglob("*.json"):
        url = _PUBLISHED + path.relative_to(root).as_posix()
        resources.append((url, DRAFT7.create_resource(json.loads(path.read_text("utf-8")))))
    for name, schema in json.loads((_SCHEMAS / "stand_ins.json").read_text("utf-8")).items():
        resource: Resource[Any] = DRAFT7.create_resource({"$id": _DEFINITION + name, **schema})
        resources.append((_DEFINITION + name, resource))
    return Registry().with_resources(resources)
