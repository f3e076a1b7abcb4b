from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.lake.conftest import lake
from tests.services import document_server, environment
from vigie.warehouse.engines import get_engine

__all__ = ["lake"]


@pytest.fixture(scope="session")
def document_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that speaks MongoDB's protocol, for feeds with the sink `documents`."""
    with document_server(tmp_path_factory.mktemp("documents") / "server") as url:
        yield url.rpartition("/")[0]


@pytest.fixture
def services(lake: object, document_url: str) -> Iterator[None]:
    """The shared broker with an empty warehouse, lake and document store."""
    with environment(VIGIE_DOCUMENTS=f"{document_url}/d{uuid4().hex[:12]}"):
        yield
        get_engine().dispose()
