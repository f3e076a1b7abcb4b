"""Each way into the HTTP API, asked with each kind of key."""

from __future__ import annotations

import json

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import Mount, Route

from tests.access import load, require_guarded, verdict
from tests.ingest.conftest import Api
from vigie.broker.topics import ensure_topics
from vigie.contract.loader import load_feeds
from vigie.ingest.app import create_app
from vigie.ingest.keys import create_key, revoke_key
from vigie.ingest.openapi import example_reading
from vigie.warehouse.engines import get_engine

pytestmark = pytest.mark.broker

PART = load()["ingest"]


def addresses() -> list[tuple[str, str]]:
    """Method and path of everything that the application answers."""
    found = []
    for route in create_app().routes:
        if isinstance(route, Mount):
            found.append(("GET", f"{route.path}/swagger-ui.css"))
            continue
        assert isinstance(route, Route | APIRoute), f"{route} cannot be asked"
        found += [(method, route.path) for method in sorted(route.methods - {"HEAD"})]
    return found


def keys() -> dict[str, dict[str, str]]:
    """The headers of each of those who ask."""
    owner, feeds = get_engine("owner"), list(load_feeds())
    made = {
        "nobody": "",
        "wrong key": "vigie_nobody_made_this",
        "revoked key": create_key(owner, "revoked", [], person="test"),
        "key": create_key(owner, "all", [], person="test"),
    }
    revoke_key(owner, "revoked")
    for feed in feeds:
        made[f"key of {feed}"] = create_key(owner, feed, [feed], person="test")
    return {who: {"authorization": f"Bearer {key}"} if key else {} for who, key in made.items()}


def test_each_address_lets_in_whom_the_matrix_says(api: Api) -> None:
    feeds = load_feeds()
    ensure_topics(feeds.values())
    known = keys()
    assert {path for _, path in addresses()} >= set(
        httpx.get(f"{api.address}/openapi.json", timeout=10).json()["paths"]
    )
    observed: dict[str, list[list[str]]] = {}
    for method, path in addresses():
        name = next((feed for feed in feeds if path.endswith(f"/{feed}")), None)
        asked = path.removesuffix(name) + "{feed}" if name else path.format(feed="no_such_feed")
        asked = "/v1/readings/{unknown}" if path.endswith("{feed}") else asked
        others = [feed for feed in feeds if feed != name]
        body = json.dumps(example_reading(feeds[name])) if name else None
        got = []
        for who in PART.who:
            headers = known[f"key of {others[0]}" if who == "key of another feed" else who]
            reply = httpx.request(
                method,
                api.address + path.format(feed="no_such_feed"),
                content=body,
                headers=headers | {"content-type": "application/json"},
                timeout=60,
            )
            assert reply.status_code in (200, 202, 401, 403, 404), reply.text
            require_guarded(reply)
            assert "server" not in reply.headers
            got.append("404" if reply.status_code == 404 else verdict(reply.status_code))
        observed.setdefault(f"{method} {asked}", []).append(got)

    # Every feed's address is alike.
    assert {asked: rows for asked, rows in observed.items() if rows != [rows[0]] * len(rows)} == {}
    assert {asked: rows[0] for asked, rows in observed.items()} == PART.lines
