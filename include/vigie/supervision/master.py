"""Client of the Spark standalone master's REST interface: submit, ask, kill.

The answers are told apart by what they prove. `MasterAway`: nothing was sent, or only a question
was asked. `SubmissionFailed`: the master refused, or nobody knows whether it took the driver.
"""

from __future__ import annotations

import base64
from enum import StrEnum
from typing import Any

import httpx
import jwt

from vigie.errors import MasterAway, SubmissionFailed
from vigie.settings import get_settings

_ASK = httpx.Timeout(3.0)
_SUBMIT = httpx.Timeout(10.0, connect=3.0)


_NO_KEY = "VIGIE_SPARK_REST_KEY is not the key of its JWSFilter"


class DriverState(StrEnum):
    """What the master says of a submission; NOT_FOUND after the master forgot it."""

    SUBMITTED = "SUBMITTED"
    RUNNING = "RUNNING"
    RELAUNCHING = "RELAUNCHING"
    FINISHED = "FINISHED"
    KILLED = "KILLED"
    FAILED = "FAILED"
    ERROR = "ERROR"
    UNKNOWN = "UNKNOWN"
    NOT_FOUND = "NOT_FOUND"

    @property
    def ended(self) -> bool:
        """The master is sure that the driver's process is gone."""
        return self in (self.FINISHED, self.KILLED, self.FAILED, self.ERROR)


class SparkMaster:
    """One master, by the address of its REST interface; safe to share between threads."""

    def __init__(
        self, url: str | None = None, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._url = url or get_settings().spark_rest
        self._http = httpx.Client(
            base_url=f"{self._url}/v1/submissions",
            headers=_signed(get_settings().spark_rest_key),
            transport=transport,
            timeout=_ASK,
        )

    def submit(self, request: dict[str, Any]) -> str:
        """Submit a driver once and return its submission id.

        Raises:
            SubmissionFailed: Refused, or unclear (no answer in time, an answer that cannot be
                read): the driver may run all the same, so the number must not be used again.
        """
        try:
            reply = self._http.post("/create", json=request, timeout=_SUBMIT)
            if reply.status_code == httpx.codes.FORBIDDEN:
                message = f"Spark master at {self._url} refused the driver: {_NO_KEY}"
                raise SubmissionFailed(message)
            answer = reply.json()
            submission = answer.get("submissionId")
        except (httpx.HTTPError, ValueError, AttributeError) as error:
            raise SubmissionFailed(self._unclear(f"{type(error).__name__}: {error}")) from error
        if reply.is_success and answer.get("success") is True and isinstance(submission, str):
            return submission
        if answer.get("success") is False or reply.is_client_error:
            message = (
                f"Spark master at {self._url} refused the driver: "
                f"{answer.get('message') or reply.status_code}; see the master's log"
            )
            raise SubmissionFailed(message)
        raise SubmissionFailed(self._unclear(f"HTTP {reply.status_code}"))

    def driver_state(self, submission: str) -> DriverState:
        """What the master knows of a submission.

        Raises:
            MasterAway: No answer, or none that can be read.
        """
        answer = self._answer("GET", f"/status/{submission}")
        if answer.get("success") is not True:
            return DriverState.NOT_FOUND
        try:
            return DriverState(str(answer.get("driverState")))
        except ValueError:
            return DriverState.UNKNOWN

    def kill(self, submission: str) -> bool:
        """Ask the master to kill a driver; false if it knows no such driver that still runs.

        Raises:
            MasterAway: No answer, or none that can be read; the driver may live.
        """
        return self._answer("POST", f"/kill/{submission}").get("success") is True

    def require(self) -> None:
        """Return if the master answers.

        Raises:
            MasterAway: It does not.
        """
        self._answer("GET", "/status/none")

    def _answer(self, method: str, path: str) -> dict[str, Any]:
        try:
            reply = self._http.request(method, path)
            if reply.status_code == httpx.codes.FORBIDDEN:
                raise MasterAway(self._away(_NO_KEY))
            answer = reply.json()
        except (httpx.HTTPError, ValueError) as error:
            raise MasterAway(self._away(f"{type(error).__name__}: {error}")) from error
        if not isinstance(answer, dict) or not isinstance(answer.get("success"), bool):
            raise MasterAway(self._away(f"answered {str(answer)[:80]}"))
        return answer

    def _away(self, observed: str) -> str:
        return (
            f"Spark master at {self._url}: {observed}; expected an answer; "
            "see `vigie status` and the master's log"
        )

    def _unclear(self, observed: str) -> str:
        return (
            f"Spark master at {self._url} gave no clear answer to a submission ({observed}); "
            "this launch number is spent, the next launch takes a new one"
        )


def _signed(key: str) -> dict[str, str]:
    if not key:
        return {}
    # Padded or not, Java's decoder takes both.
    secret = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
    return {"Authorization": f"Bearer {jwt.encode({'sub': 'vigie'}, secret, algorithm='HS256')}"}
