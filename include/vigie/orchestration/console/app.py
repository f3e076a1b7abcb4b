"""The Streams page as a FastAPI application inside Airflow's API server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response, status
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from vigie.errors import ContractError, VigieError
from vigie.http_guard import SELF, Guard, SmallBodies, policy
from vigie.orchestration.console.access import (
    User,
    permitted,
    person,
    require_editor,
    require_login,
    require_own_page,
    require_reader,
)
from vigie.orchestration.console.act import Action, ActionRefused, act
from vigie.orchestration.console.details import details
from vigie.orchestration.console.look import Look
from vigie.orchestration.console.runs import newest_run
from vigie.orchestration.console.shown import show
from vigie.orchestration.console.where import PAGE
from vigie.orchestration.stream_feed import dag_of

_FOLDER = Path(__file__).with_name("page")
_SOURCES = dict.fromkeys(("script-src", "style-src", "img-src", "connect-src"), SELF)
_HEADERS = {"": policy(_SOURCES, framed=True)}
_LARGEST = 4096
"""Bytes of what an action is asked with."""
_LOGGED_OUT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Streams</title></head>
<body><p>You are not logged in to Airflow. <a href="../auth/login">Log in</a>, then open
<em>Streams</em> in its menu.</p></body></html>
"""


class Asked(BaseModel):
    """The body of an action; `launch` is the one that the person saw, for a restart."""

    launch: int | None = None


def make_app() -> FastAPI:
    """The application: every route wants a login, an action the right to edit the DAG."""
    app = FastAPI(
        title="Vigie: streams",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(require_login)],
    )
    look = Look()

    app.add_middleware(SmallBodies, largest=_LARGEST)
    app.add_middleware(Guard, policies=_HEADERS)

    @app.get(f"/{PAGE}")
    def page() -> FileResponse:
        return FileResponse(_FOLDER / "streams.html")

    @app.get("/page/{name}")
    def part(name: str) -> FileResponse:
        if name not in {path.name for path in _FOLDER.iterdir()}:
            raise HTTPException(status.HTTP_404_NOT_FOUND, f"the page has no part {name!r}")
        return FileResponse(_FOLDER / name)

    @app.get("/data")
    def data(user: User, by: Annotated[str, Depends(person)]) -> dict[str, Any]:
        sight = look.take()
        readable = permitted(user, sight.titles, "GET")
        editable = permitted(user, sight.titles, "PUT")
        return show(sight, person=by, readable=readable, editable=editable)

    @app.get("/data/{feed}", dependencies=[Depends(require_reader)])
    def more(feed: str) -> dict[str, Any]:
        return details(feed) | {"run": newest_run(dag_of(feed))}

    @app.post(
        "/data/{feed}/{action}", dependencies=[Depends(require_own_page), Depends(require_editor)]
    )
    def do(
        feed: str, action: Action, asked: Asked, by: Annotated[str, Depends(person)]
    ) -> dict[str, Any]:
        done = act(feed, action, launch=asked.launch, person=by)
        return {"changed": done.changed, "told": done.told}

    @app.exception_handler(HTTPException)
    async def refuse(request: Request, error: HTTPException) -> Response:
        wants_page = "text/html" in request.headers.get("accept", "")
        if error.status_code == status.HTTP_401_UNAUTHORIZED and wants_page:
            return HTMLResponse(_LOGGED_OUT, error.status_code)
        return JSONResponse({"detail": error.detail}, error.status_code)

    @app.exception_handler(VigieError)
    async def explain(request: Request, error: VigieError) -> Response:
        codes = {ContractError: status.HTTP_404_NOT_FOUND, ActionRefused: status.HTTP_409_CONFLICT}
        code = codes.get(type(error), status.HTTP_503_SERVICE_UNAVAILABLE)
        return JSONResponse({"detail": str(error)}, code)

    @app.exception_handler(SQLAlchemyError)
    async def warehouse_away(request: Request, error: SQLAlchemyError) -> Response:
        detail = (
            "The warehouse did not answer, so nothing was done, or it is not known whether it was. "
            "Look at the stream once its state is known again, and ask anew if needed."
        )
        return JSONResponse({"detail": detail}, status.HTTP_503_SERVICE_UNAVAILABLE)

    return app
