"""The refreshes of one dataset, asked of Power BI's REST interface through the provider's hook.

Of the hook come connection, log-in and tokens. Its own methods lose what the service says of a
refusal, of a refresh's tables and of how long to wait, so requests and answers are read here.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from vigie.errors import RefreshAway, RefreshRefused
from vigie.refresh.answers import Look, read_look
from vigie.refresh.refusals import require_success

CONNECTION = "powerbi"
"""The Airflow connection: client id and secret, tenant, workspace and dataset."""
ANSWER_SECONDS = 60
_URL = "myorg/groups/{group_id}/datasets/{dataset_id}/refreshes"


class RefreshService:
    """Start, look at and cancel refreshes; the hook, slow to import, comes with the first one."""

    def __init__(self, conn_id: str, group_id: str, dataset_id: str) -> None:
        self._hook = _quiet_hook(conn_id)
        self._ids = {"group_id": group_id, "dataset_id": dataset_id}

    async def history(self, count: int = 100) -> list[Look]:
        """The newest refreshes, newest first.

        Raises:
            RefreshError: As `look`.
        """
        answer = await self._ask("GET", query={"$top": count})
        return [read_look(entry) for entry in answer.json().get("value", ())]

    async def start(self, body: Mapping[str, Any]) -> str:
        """Ask for a refresh; the id it has.

        Raises:
            RefreshBusy: Another one runs.
            RefreshError: As `look`. If the service was away, the refresh may have begun.
        """
        answer = await self._ask("POST", data=dict(body))
        names = ("x-ms-request-id", "RequestId")
        located = answer.headers.get("Location", "").rpartition("/")[2]
        # The end of `Location` is what the documentation calls the id of the refresh.
        found = located or next((answer.headers[n] for n in names if n in answer.headers), "")
        if not found:
            raise RefreshAway("Power BI took the refresh, and gave no id for it")
        return str(found)

    async def look(self, request_id: str) -> Look:
        """How a refresh stands.

        Raises:
            RefreshRefused: There is no such refresh, or we may not see it.
            RefreshThrottled: Ask later.
            RefreshAway: No answer, or an error inside the service.
        """
        try:
            answer = await self._ask("GET", f"/{request_id}")
        except RefreshRefused:
            # Only enhanced refreshes have details.
            for one in await self.history():
                if one.request_id == request_id:
                    return one
            raise
        return read_look(answer.json(), request_id)

    async def cancel(self, request_id: str) -> None:
        """Ask for the end of a refresh; only enhanced ones can be cancelled.

        Raises:
            RefreshError: As `look`.
        """
        await self._ask("DELETE", f"/{request_id}")

    async def close(self) -> None:
        """Close the connection, which belongs to the event loop it was made in."""
        await self._hook.close()

    async def _ask(
        self,
        method: str,
        path: str = "",
        *,
        data: dict[str, Any] | None = None,
        query: dict[str, Any] | None = None,
    ) -> Any:
        answer = await self._send(method, path, data, query)
        if answer.status_code in (401, 403):
            # The hook keeps its connection, and so the token that has expired: once more with
            # another. A second refusal is meant.
            await self._hook.close()
            answer = await self._send(method, path, data, query)
        require_success(answer)
        return answer

    async def _send(
        self,
        method: str,
        path: str,
        data: dict[str, Any] | None,
        query: dict[str, Any] | None,
    ) -> Any:
        import httpx
        from azure.core.exceptions import AzureError, ClientAuthenticationError
        from kiota_http.middleware.options.response_handler_option import ResponseHandlerOption
        from kiota_http.middleware.options.retry_handler_option import RetryHandlerOption

        request = self._hook.request_information(
            url=_URL + path,
            method=method,
            path_parameters=dict(self._ids),
            query_parameters=query,
            data=data,
        )
        options = request.request_options
        options[ResponseHandlerOption.RESPONSE_HANDLER_OPTION_KEY] = ResponseHandlerOption(
            _whole_answer()
        )
        # It would wait inside the request, and only up to three minutes.
        options[RetryHandlerOption.RETRY_HANDLER_OPTION_KEY] = RetryHandlerOption(
            should_retry=False
        )
        try:
            return await self._hook.send_request(request)
        except ClientAuthenticationError as error:
            raise RefreshRefused(f"Microsoft's log-in refused us: {error.message}") from error
        except (httpx.TransportError, AzureError, OSError, RuntimeError) as error:
            # RuntimeError: another trigger closed the connection the hook shares among them.
            raise RefreshAway(f"{type(error).__name__}: {error}") from error


def _quiet_hook(conn_id: str) -> Any:
    from airflow.providers.microsoft.azure.hooks.powerbi import PowerBIHook

    class QuietHook(PowerBIHook):
        """Logs its troubles only, not each request and twenty lines for each connection."""

        log: Any = logging.getLogger(f"{__name__}.hook")

    QuietHook.log.setLevel(logging.WARNING)
    return QuietHook(conn_id=conn_id, timeout=ANSWER_SECONDS)


def _whole_answer() -> Any:
    from kiota_abstractions.response_handler import ResponseHandler

    class WholeAnswer(ResponseHandler):
        """Leaves status and headers where they are."""

        async def handle_response_async(self, response: Any, error_map: Any) -> Any:
            return response

    return WholeAnswer()
