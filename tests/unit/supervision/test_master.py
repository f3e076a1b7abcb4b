from __future__ import annotations

import base64

import httpx
import jwt
import pytest

from tests.services import environment
from vigie.errors import MasterAway, SubmissionFailed
from vigie.supervision.master import DriverState, SparkMaster

pytestmark = pytest.mark.unit

CREATED = {"action": "CreateSubmissionResponse", "success": True, "submissionId": "driver-7"}


def master_that(answer) -> SparkMaster:
    def respond(request: httpx.Request) -> httpx.Response:
        respond.seen.append((request.method, request.url.path))
        if isinstance(answer, Exception):
            raise answer
        return answer

    respond.seen = []
    master = SparkMaster("http://master:6066", transport=httpx.MockTransport(respond))
    master.seen = respond.seen
    return master


def test_submit_returns_the_submission_id() -> None:
    master = master_that(httpx.Response(200, json=CREATED))
    assert master.submit({}) == "driver-7"
    assert master.seen == [("POST", "/v1/submissions/create")]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ReadTimeout("late"),
        httpx.ConnectError("refused"),
        httpx.RemoteProtocolError("cut"),
        httpx.Response(500, json={"action": "ErrorResponse"}),
        httpx.Response(502, text="<html>Bad gateway"),
        httpx.Response(200, text=""),
        httpx.Response(200, json=["unexpected"]),
        httpx.Response(200, json=CREATED | {"submissionId": None}),
        httpx.Response(200, json={"action": "CreateSubmissionResponse"}),
    ],
    ids=lambda answer: type(answer).__name__,
)
def test_an_unclear_answer_spends_the_number(answer) -> None:
    master = master_that(answer)
    with pytest.raises(SubmissionFailed, match="this launch number is spent"):
        master.submit({})
    assert len(master.seen) == 1, "a number is submitted once"


def test_a_refusal_says_why() -> None:
    refusal = {"action": "CreateSubmissionResponse", "success": False, "message": "not alive"}
    with pytest.raises(SubmissionFailed, match="refused the driver: not alive"):
        master_that(httpx.Response(200, json=refusal)).submit({})


@pytest.mark.parametrize(
    ("answer", "state", "ended"),
    [
        ({"success": True, "driverState": "RUNNING"}, DriverState.RUNNING, False),
        ({"success": True, "driverState": "SUBMITTED"}, DriverState.SUBMITTED, False),
        ({"success": True, "driverState": "FAILED"}, DriverState.FAILED, True),
        ({"success": True, "driverState": "FINISHED"}, DriverState.FINISHED, True),
        ({"success": True, "driverState": "a new word"}, DriverState.UNKNOWN, False),
        ({"success": False}, DriverState.NOT_FOUND, False),
    ],
)
def test_driver_state(answer, state, ended) -> None:
    found = master_that(httpx.Response(200, json=answer)).driver_state("driver-7")
    assert (found, found.ended) == (state, ended)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("late"),
        httpx.Response(503, text="busy"),
        httpx.Response(200, json={}),
    ],
    ids=lambda answer: type(answer).__name__,
)
def test_a_silent_master_is_away_and_proves_nothing(answer) -> None:
    master = master_that(answer)
    for question in (
        lambda: master.driver_state("driver-7"),
        lambda: master.kill("driver-7"),
        master.require,
    ):
        with pytest.raises(MasterAway, match="http://master:6066"):
            question()


@pytest.mark.parametrize("known", [True, False])
def test_kill_tells_whether_there_was_a_driver(known) -> None:
    assert master_that(httpx.Response(200, json={"success": known})).kill("driver-7") is known


@pytest.mark.parametrize("key", ["", "k" * 44, "k" * 43])
def test_requests_are_signed_with_the_key(key: str) -> None:
    seen: list[str | None] = []

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("Authorization"))
        return httpx.Response(200, json=CREATED)

    with environment(VIGIE_SPARK_REST_KEY=key):
        SparkMaster("http://master:6066", transport=httpx.MockTransport(respond)).submit({})

    if not key:
        assert seen == [None]
        return
    kind, _, token = str(seen[0]).partition(" ")
    secret = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
    assert (kind, jwt.decode(token, secret, algorithms=["HS256"])) == ("Bearer", {"sub": "vigie"})


def test_a_wrong_key_is_named() -> None:
    master = master_that(httpx.Response(403, text="<html>Forbidden</html>"))

    with pytest.raises(SubmissionFailed, match="VIGIE_SPARK_REST_KEY"):
        master.submit({})
    with pytest.raises(MasterAway, match="VIGIE_SPARK_REST_KEY"):
        master.driver_state("driver-7")
