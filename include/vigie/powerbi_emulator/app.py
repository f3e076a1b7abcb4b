"""The REST interface: token, start, history, details, cancel. Nothing else of Power BI is here."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from vigie.powerbi_emulator.answers import detail, history_entry
from vigie.powerbi_emulator.requests import RefreshRequest
from vigie.powerbi_emulator.service import Service

_REFRESHES = "/v1.0/myorg/groups/{group}/datasets/{dataset}/refreshes"
_BUSY = "Invalid dataset refresh request. Another refresh request is already executing"


def create_app(service: Service) -> FastAPI:
    """The application that answers for a service."""
    app = FastAPI(title="Power BI refresh emulator", docs_url=None, redoc_url=None)

    @app.post("/{tenant}/oauth2/v2.0/token")
    async def token(tenant: str, request: Request) -> Response:
        form = {
            name: values[0] for name, values in parse_qs((await request.body()).decode()).items()
        }
        if (form.get("client_id"), form.get("client_secret")) != (
            service.client_id,
            service.secret,
        ):
            body = {"error": "invalid_client", "error_description": "AADSTS7000215: wrong secret"}
            return JSONResponse(body, 401)
        body = {"token_type": "Bearer", "expires_in": "3599", "access_token": service.new_token()}
        return JSONResponse(body | {"expires_in": 3599})

    @app.middleware("http")
    async def guard(request: Request, go_on: Any) -> Response:
        if request.url.path.endswith("/token"):
            return await go_on(request)  # type: ignore[no-any-return]
        service.asked.append((request.method, request.url.path.rpartition("/")[2]))
        kind, _, key = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer":
            return Response(status_code=401)
        if not service.holds(key):
            return _error(403, "TokenExpired", "Access token has expired, resubmit with a new one")
        if service.troubles:
            status, headers, body = service.troubles.popleft()
            return JSONResponse(body, status, headers)
        known = f"/groups/{service.group}/datasets/{service.dataset}/"
        if known not in request.url.path:
            return _error(404, "PowerBIEntityNotFound", "There is no such dataset")
        return await go_on(request)  # type: ignore[no-any-return]

    @app.post(_REFRESHES)
    async def start(request: Request) -> Response:
        try:
            asked = RefreshRequest.model_validate_json(await request.body() or b"{}")
        except ValidationError as error:
            return _error(400, "InvalidRequest", f"Invalid dataset refresh request. {error}")
        refresh = service.start(asked)
        if refresh is None:
            return _error(400, "InvalidRequest", _BUSY)
        where = f"{request.url}/{refresh.request_id}"
        # The documentation promises the last two; the provider's hook reads the first.
        names = {"RequestId": refresh.request_id, "x-ms-request-id": refresh.request_id}
        return Response(status_code=202, headers=names | {"Location": where})

    @app.get(_REFRESHES)
    async def history(request: Request) -> dict[str, Any]:
        count = int(request.query_params.get("$top", len(service.refreshes)))
        return {"value": [history_entry(one) for one in list(service.refreshes)[:count]]}

    @app.get(_REFRESHES + "/{request_id}")
    async def details(request_id: str) -> Response:
        refresh = service.find(request_id)
        if refresh is None or not refresh.request.enhanced:
            return _error(404, "RefreshNotFound", f"There is no enhanced refresh {request_id}")
        return JSONResponse(detail(refresh), 202 if refresh.running else 200)

    @app.delete(_REFRESHES + "/{request_id}")
    async def cancel(request_id: str) -> Response:
        refresh = service.find(request_id)
        if refresh is None or not refresh.request.enhanced or not refresh.running:
            return _error(400, "InvalidRequest", f"{request_id} cannot be cancelled")
        refresh.end("Cancelled")
        return Response(status_code=200)

    return app


def _error(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status)
