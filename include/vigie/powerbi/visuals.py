"""Pages and visuals as the JSON of a report (PBIR)."""

from __future__ import annotations

from typing import Any

from vigie.powerbi.pages import HEIGHT, WIDTH, Page, Projection, Visual

SCHEMAS = "https://developer.microsoft.com/json-schemas/fabric/item/report/definition"
_HEADING = (24, 12, 1232, 60)

Json = dict[str, Any]


def page_json(name: str, page: Page) -> Json:
    """The content of `page.json`."""
    made: Json = {
        "$schema": f"{SCHEMAS}/page/2.0.0/schema.json",
        "name": name,
        "displayName": page.title,
        "displayOption": "FitToPage",
        "height": HEIGHT,
        "width": WIDTH,
    }
    if page.refresh:
        properties = {
            "show": literal(True),
            "duration": literal(f"PT{page.refresh}S"),
        }
        made["objects"] = {"pageRefresh": [{"properties": properties}]}
    return made


def heading_json(page: Page) -> Json:
    """A text box with the page's title and what it answers."""
    title = {"value": page.title, "textStyle": {"fontWeight": "bold", "fontSize": "18pt"}}
    words = {"value": page.words, "textStyle": {"fontSize": "10pt"}}
    paragraphs = [{"textRuns": [title]}, {"textRuns": [words]}]
    return {
        "$schema": f"{SCHEMAS}/visualContainer/2.8.0/schema.json",
        "name": "heading",
        "position": _position(_HEADING, 0),
        "visual": {
            "visualType": "textbox",
            "objects": {"general": [{"properties": {"paragraphs": paragraphs}}]},
            "visualContainerObjects": _container(None, f"{page.title}. {page.words}"),
        },
    }


def visual_json(name: str, visual: Visual, order: int) -> Json:
    """The content of `visual.json`; `order` is its place when one tabs through the page."""
    query: Json = {
        "queryState": {
            role: {"projections": [_projected(field) for field in fields]}
            for role, fields in visual.show.items()
        }
    }
    if visual.order:
        query["sortDefinition"] = {"sort": [_sorted(visual)], "isDefaultSort": False}
    made: Json = {"visualType": visual.type, "query": query}
    if visual.set:
        made["objects"] = _objects(visual.set)
    made["visualContainerObjects"] = _container(visual.title, visual.alt)
    made["drillFilterOtherVisuals"] = True
    return {
        "$schema": f"{SCHEMAS}/visualContainer/2.8.0/schema.json",
        "name": name,
        "position": _position(visual.at, order),
        "visual": made,
    }


def literal(value: str | bool | int) -> Json:
    """A constant as the report writes it: text in single quotes, whole numbers with an L."""
    if isinstance(value, bool):
        written = "true" if value else "false"
    elif isinstance(value, int):
        written = f"{value}L"
    else:
        written = "'" + value.replace("'", "''") + "'"
    return {"expr": {"Literal": {"Value": written}}}


def _position(at: tuple[int, int, int, int], order: int) -> Json:
    x, y, width, height = at
    place = order * 1000
    return {"x": x, "y": y, "z": place, "height": height, "width": width, "tabOrder": place}


def _projected(field: Projection) -> Json:
    made: Json = {
        "field": _field(field),
        "queryRef": f"{field.table}.{field.field}",
        "nativeQueryRef": field.field,
    }
    if field.label != field.field:
        made["displayName"] = field.label
    return made


def _field(field: Projection) -> Json:
    kind = "Measure" if field.is_measure else "Column"
    source = {"SourceRef": {"Entity": field.table}}
    return {kind: {"Expression": source, "Property": field.field}}


def _sorted(visual: Visual) -> Json:
    fields = [field for shown in visual.show.values() for field in shown]
    (by,) = (field for field in fields if field.field == visual.order)
    return {"field": _field(by), "direction": "Descending"}


def _objects(settings: dict[str, str | bool | int]) -> Json:
    made: Json = {}
    for key, value in settings.items():
        object_name, _, property_name = key.partition(".")
        made.setdefault(object_name, [{"properties": {}}])
        made[object_name][0]["properties"][property_name] = literal(value)
    return made


def _container(title: str | None, alt: str) -> Json:
    made: Json = {"general": [{"properties": {"altText": literal(alt)}}]}
    shown: Json = {"show": literal(title is not None)}
    if title:
        shown["text"] = literal(title)
    return {"title": [{"properties": shown}]} | made
