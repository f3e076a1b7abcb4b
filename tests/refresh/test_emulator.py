"""The emulator against what Microsoft published of the interface it stands for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft7Validator

from tests.refresh.conftest import DATASET, GROUP
from vigie.powerbi_emulator.requests import RefreshRequest
from vigie.powerbi_emulator.service import Fate, Service
from vigie.refresh.answers import State, read_look

pytestmark = pytest.mark.dags

DEFINITIONS = json.loads(Path(__file__).with_name("definitions.json").read_text())
ENDS = ("Completed", "Failed", "TimedOut", "Cancelled", "Disabled", "Unknown", "NotStarted")
PROBLEM = {"code": "0xC11C0020", "message": "evicted", "type": "Error"}


def fits(name: str, value: Any) -> None:
    Draft7Validator(DEFINITIONS[name]).validate(value)


@pytest.fixture
def client(service: Service, emulator: tuple[Service, dict[str, Any]]) -> httpx.Client:
    extra = emulator[1]["extra"]
    base = f"{extra['base_url']}myorg/groups/{GROUP}/datasets/{DATASET}"
    headers = {"Authorization": f"Bearer {service.new_token()}"}
    with httpx.Client(base_url=base, headers=headers, verify=extra["verify"]) as made:
        yield made


@pytest.mark.parametrize("ends", ENDS)
def test_answers_have_the_published_form(client: httpx.Client, service: Service, ends: str) -> None:
    service.fates.append(Fate(ends, 0.0, () if ends == "Completed" else (PROBLEM,)))
    body = {"type": "Full", "objects": [{"table": "Date"}, {"table": "h", "partition": "2026Q1"}]}
    fits("DatasetRefreshRequest", body)
    started = client.post("/refreshes", json=body)
    assert (started.status_code, started.content) == (202, b"")
    request_id = started.headers["x-ms-request-id"]
    assert started.headers["Location"].endswith(f"{DATASET}/refreshes/{request_id}")
    (entry,) = client.get("/refreshes", params={"$top": 5}).json()["value"]
    fits("Refresh", entry)
    detail = client.get(f"/refreshes/{request_id}")
    fits("DatasetRefreshDetail", detail.json())
    assert detail.status_code == 200
    assert client.delete(f"/refreshes/{request_id}").status_code == 400


def test_a_running_refresh_answers_202_and_can_be_cancelled(
    client: httpx.Client, service: Service
) -> None:
    service.fates.append(Fate(seconds=3600))
    where = client.post("/refreshes", json={"type": "full"}).headers["Location"]
    assert client.get(where).status_code == 202
    second = client.post("/refreshes", json={"type": "full"})
    assert second.status_code == 400
    assert second.json()["error"]["code"] == "InvalidRequest"
    assert client.delete(where).status_code == 200
    ended = client.get(where)
    assert (ended.status_code, ended.json()["status"]) == (200, "Cancelled")
    fits("DatasetRefreshDetail", ended.json())


def test_a_standard_refresh_has_no_details(client: httpx.Client) -> None:
    where = client.post("/refreshes", json={"notifyOption": "NoNotification"}).headers["Location"]
    assert client.get(where).status_code == 404
    assert client.delete(where).status_code == 400
    assert client.get("/refreshes").json()["value"][0]["refreshType"] == "ViaApi"


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "add"},
        {"tables": []},
        {"commitMode": "partialBatch"},
        {"timeout": "two hours"},
        {"objects": ["Date"]},
    ],
)
def test_a_request_that_is_not_as_published_is_refused(client: httpx.Client, wrong: Any) -> None:
    answer = client.post("/refreshes", json=wrong)
    assert answer.status_code == 400
    assert not client.get("/refreshes").json()["value"]


def test_the_model_of_a_request_has_the_published_keys() -> None:
    assert set(RefreshRequest.model_fields) == set(
        DEFINITIONS["DatasetRefreshRequest"]["properties"]
    )


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        # As Microsoft's page shows them.
        ({"status": "Unknown"}, State.RUNNING),
        ({"status": "Unknown", "extendedStatus": "NotStarted"}, State.RUNNING),
        ({"status": "InProgress", "endTime": "2020-12-07T02:07:00.4929675Z"}, State.RUNNING),
        ({"status": "Unknown", "endTime": "2020-12-07T02:07:00Z"}, State.UNKNOWN),
        ({"status": "Failed", "extendedStatus": "TimedOut"}, State.TIMED_OUT),
        ({"status": "Cancelled"}, State.CANCELLED),
    ],
)
def test_the_words_of_the_service_are_understood(answer: dict[str, Any], state: State) -> None:
    assert read_look({"startTime": "2020-12-07T02:06:57.1838734Z", **answer}).state is state
