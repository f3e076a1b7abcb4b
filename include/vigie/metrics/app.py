"""The exporter's HTTP server: `/metrics` for Prometheus, `/health` for who waits for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    ProcessCollector,
    generate_latest,
)

from vigie.http_guard import DATA, Guard
from vigie.metrics.around import Airflow, read_disk
from vigie.metrics.collector import VigieCollector
from vigie.metrics.kafka import Kafka
from vigie.metrics.ledger import LedgerSums
from vigie.metrics.operations import Operations
from vigie.metrics.sizes import Sizes
from vigie.metrics.sources import Source
from vigie.metrics.streams import Streams
from vigie.warehouse.engines import impatient_engine

_STATEMENT = 3
"""Seconds a query of the exporter's may take."""


def sources() -> list[Source]:
    """Every source, on connections of their own."""
    engine = impatient_engine(seconds=_STATEMENT, role="reader", connections=4)
    return [
        Source("streams", Streams(engine, LedgerSums()).read),
        Source("kafka", Kafka(engine).read),
        Source("operations", Operations(engine).read, every=30),
        Source("sizes", Sizes(engine).read, every=60),
        Source("airflow", Airflow().read),
        Source("disk", read_disk),
    ]


def create_app() -> FastAPI:
    """Build the application; uvicorn runs it."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    collector = VigieCollector(sources())
    registry.register(collector)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        collector.close()

    app = FastAPI(title="Vigie metrics", lifespan=lifespan, openapi_url=None)
    app.add_middleware(Guard, policies={"": DATA})

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    @app.get("/health")
    async def health() -> dict[str, bool]:
        return {"up": True}

    return app
