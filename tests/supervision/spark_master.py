"""A Spark master that only keeps books: what was submitted, what was killed."""

from __future__ import annotations

import json
from collections.abc import Callable
from threading import Lock

import httpx

from vigie.supervision.master import SparkMaster


class BookkeepingMaster:
    """Answers as the REST interface does; `answer` replaces the next answers to submissions."""

    def __init__(self) -> None:
        self.launches: list[int] = []
        self.killed: list[str] = []
        self.states: dict[str, str] = {}
        self.answer: httpx.Response | None = None
        self.away = False
        self.before_status: Callable[[], None] = lambda: None
        self._lock = Lock()

    def client(self) -> SparkMaster:
        return SparkMaster("http://master", transport=httpx.MockTransport(self._respond))

    def _respond(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            raise httpx.ConnectError("refused")
        verb, _, submission = request.url.path.removeprefix("/v1/submissions/").partition("/")
        with self._lock:
            return {"create": self._create, "kill": self._kill, "status": self._status}[verb](
                request, submission
            )

    def _create(self, request: httpx.Request, _: str) -> httpx.Response:
        launch = int(json.loads(request.content)["appArgs"][-1])
        self.launches.append(launch)
        if self.answer is not None:
            return self.answer
        submission = f"driver-{launch}"
        self.states[submission] = "RUNNING"
        return httpx.Response(200, json={"success": True, "submissionId": submission})

    def _kill(self, _: httpx.Request, submission: str) -> httpx.Response:
        self.killed.append(submission)
        self.states[submission] = "KILLED"
        return httpx.Response(200, json={"success": True})

    def _status(self, _: httpx.Request, submission: str) -> httpx.Response:
        self.before_status()
        if submission not in self.states:
            return httpx.Response(200, json={"success": False})
        state = {"success": True, "driverState": self.states[submission]}
        return httpx.Response(200, json=state)
