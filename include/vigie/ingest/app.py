"""The HTTP entrance: a reading is answered with 202 only once Kafka has it.

    body ─ take apart ─ check the shape of each item ─▶ Kafka, acknowledged ─▶ 202

Nothing else happens here: values are judged by the stream, which quarantines and loses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.security import HTTPBearer
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from vigie.broker.admin import is_answering
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.http_guard import DATA, SELF, Guard, policy
from vigie.ingest import counts
from vigie.ingest.answers import Accepted, Answer, Refused, refuse
from vigie.ingest.entrance import Entrance
from vigie.ingest.keyring import Keyring
from vigie.ingest.openapi import request_body
from vigie.settings import get_settings
from vigie.warehouse.engines import get_engine

_TAKEN = {"model": Accepted, "description": "Kafka has every accepted reading"}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The body is not JSON"},
    401: {"description": "No valid key"},
    403: {"description": "The key is for other feeds"},
    413: {"description": "The body is too large, or has too many readings"},
    415: {"description": "Not application/json"},
    422: {"model": Refused, "description": "Every reading was refused"},
    429: {"description": "Too many readings a second; see Retry-After"},
    503: {"description": "Kafka took nothing for sure; send the same again after Retry-After"},
}


# The page of the API's description begins Swagger by a script in itself, as FastAPI writes it.
_SWAGGER = f"{SELF} 'unsafe-inline'"
_HEADERS = {
    "": DATA,
    "/docs": policy(
        {
            "script-src": _SWAGGER,
            "style-src": _SWAGGER,
            "img-src": f"{SELF} data:",
            "connect-src": SELF,
        }
    ),
}
_bearer = HTTPBearer(scheme_name="key", auto_error=False)
"""Describes the header on the OpenAPI page; the entrance itself looks at it."""


def create_app() -> FastAPI:
    """Build the application for the feeds of the settings; uvicorn runs it."""
    return make_app(load_feeds(), Keyring(get_engine("reader")))


def make_app(feeds: Mapping[str, Feed], keyring: Keyring) -> FastAPI:
    """Build the application; nothing is asked of Kafka or the warehouse before it runs."""
    entrances = [
        Entrance(feed, keyring, rate=get_settings().ingest_rate) for feed in feeds.values()
    ]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        refreshing = asyncio.create_task(keyring.keep_fresh())
        yield
        refreshing.cancel()
        await asyncio.gather(*(asyncio.to_thread(entrance.close) for entrance in entrances))

    app = FastAPIOffline(
        title="Vigie readings",
        version="1",
        lifespan=lifespan,
        redoc_url=None,
        static_url="/docs/files",
    )
    app.add_middleware(Guard, policies=_HEADERS)
    for entrance in entrances:
        _add_feed(app, entrance)

    @app.post("/v1/readings/{feed}", include_in_schema=False)
    async def unknown_feed(feed: str) -> Response:
        counts.requests.labels("unknown", 404).inc()
        known = ", ".join(feeds) or "none"
        return refuse(404, f"there is no feed {feed!r}; known feeds: {known}")

    @app.get("/health")
    async def health(response: Response) -> dict[str, bool]:
        """Whether readings can be taken: Kafka answers and the keys are known."""
        broker = await asyncio.to_thread(is_answering)
        response.status_code = 200 if broker and keyring.known else 503
        return {"broker": broker, "keys": keyring.known, "warehouse": keyring.fresh}

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(generate_latest(counts.registry), media_type=CONTENT_TYPE_LATEST)

    return app


def _add_feed(app: FastAPI, entrance: Entrance) -> None:
    feed: Feed = entrance.feed

    async def take(request: Request) -> Response:
        answer: Answer = await entrance.take(request)
        counts.requests.labels(feed.name, answer.status_code).inc()
        return answer

    app.add_api_route(
        f"/v1/readings/{feed.name}",
        take,
        methods=["POST"],
        status_code=202,
        summary=f"Send readings of {feed.title}",
        description=feed.description,
        response_model=None,
        responses={202: _TAKEN, **_REFUSALS},
        openapi_extra=request_body(feed),
        dependencies=[Depends(_bearer)],
    )
