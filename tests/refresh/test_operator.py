from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from sqlalchemy import Engine, select

from tests.refresh.conftest import context, deferral, resume, run_through, tell
from vigie.orchestration import watch_refresh
from vigie.orchestration.start_refresh import StartRefresh
from vigie.orchestration.watch_refresh import WatchRefresh
from vigie.powerbi_emulator.requests import RefreshRequest
from vigie.powerbi_emulator.service import Fate, Service
from vigie.warehouse import core

pytestmark = [pytest.mark.dags, pytest.mark.warehouse]

PROBLEM = {"code": "0xC11C0020", "message": "The database has been evicted", "type": "Error"}
ENDS = {
    "Failed": "failed",
    "Cancelled": "cancelled",
    "TimedOut": "timed out",
    "Disabled": "disabled",
    "Unknown": "unknown",
}
STANDARD = {"notifyOption": "NoNotification"}


def kept(warehouse: Engine) -> list[Any]:
    with warehouse.connect() as connection:
        return list(connection.execute(select(core.refresh).order_by(core.refresh.c.asked_at)))


@pytest.mark.parametrize("body", [{"type": "full"}, STANDARD], ids=["enhanced", "standard"])
def test_a_refresh_that_completes_is_a_success(operator, service, warehouse, body) -> None:
    service.fates.append(Fate(seconds=0.3))
    told = run_through(operator(body=body), context())
    (refresh,) = service.refreshes
    assert told["state"] == "completed"
    assert told["request_id"] == refresh.request_id
    (row,) = kept(warehouse)
    assert (row.state, row.request_id) == ("completed", refresh.request_id)
    assert row.ended_at is not None


@pytest.mark.parametrize("body", [{"type": "full"}, STANDARD], ids=["enhanced", "standard"])
@pytest.mark.parametrize("ends", ENDS)
def test_every_other_end_fails_the_task_and_says_why(
    operator, service, warehouse, ends: str, body
) -> None:
    service.fates.append(Fate(ends, 0.1, (PROBLEM,)))
    # A standard refresh has no extended status, which alone tells these two apart.
    state = "failed" if (ends, body) == ("TimedOut", STANDARD) else ENDS[ends]
    with pytest.raises(AirflowFailException, match=rf"{state}: .*evicted"):
        run_through(operator(body=body), context())
    (row,) = kept(warehouse)
    assert row.state == state
    assert "evicted" in row.why


def test_tables_and_their_ends_are_in_the_log(operator, service, capsys) -> None:
    service.fates.append(Fate("Failed", 0.2, (PROBLEM,)))
    objects = [{"table": "fleet hourly", "partition": "2026Q101"}, {"table": "Date"}]
    with pytest.raises(AirflowFailException):
        run_through(operator(body={"type": "full", "objects": objects}), context())
    log = capsys.readouterr().out
    assert "fleet hourly, partition 2026Q101: Failed" in log
    assert "Date: Failed" in log
    assert "Error 0xC11C0020 The database has been evicted" in log


def test_it_waits_for_a_refresh_that_runs_then_starts_its_own(operator, service) -> None:
    service.fates.append(Fate(seconds=0.5))
    other = service.start(RefreshRequest(type="full"))
    told = run_through(operator(), context())
    assert told["request_id"] != other.request_id
    mine, before = service.refreshes
    assert mine.started_at >= before.ended_at


def test_one_that_begins_between_look_and_request_is_waited_for(
    operator, service, monkeypatch
) -> None:
    service.fates.append(Fate(seconds=0.5))
    other = service.start(RefreshRequest(type="full"))
    real = StartRefresh.service.fget

    class Early:
        """Looks at the history a moment too early, the first time."""

        def __init__(self, service: Any) -> None:
            self._real, self._looks = service, 0
            self.start, self.close = service.start, service.close

        async def history(self) -> Any:
            self._looks += 1
            return await self._real.history() if self._looks > 1 else []

    made: list[Early] = []

    def early(trigger: StartRefresh) -> Early:
        if not made:
            made.append(Early(real(trigger)))
        return made[0]

    monkeypatch.setattr(StartRefresh, "service", property(early))
    deferred = deferral(lambda: operator().execute(context()))
    told = tell(deferred.trigger)
    assert told["request_id"] == service.refreshes[0].request_id != other.request_id
    assert [method for method, _ in service.asked].count("POST") == 2


@pytest.mark.parametrize("step", ["start", "watch"])
def test_a_throttled_request_is_repeated_after_the_time_it_is_told(
    operator, service, capsys, step: str
) -> None:
    task, at = operator(), context()
    deferred = deferral(lambda: task.execute(at))
    if step == "watch":
        deferred = deferral(resume(task, deferred, at))
    service.throttle(2, seconds=1)
    before = datetime.now(UTC)
    tell(deferred.trigger)
    assert datetime.now(UTC) - before >= timedelta(seconds=2)
    assert "429" in capsys.readouterr().out
    assert len(service.refreshes) == 1


def test_an_expired_token_is_renewed(operator, service) -> None:
    task, at = operator(), context()
    service.fates.append(Fate(seconds=0.3))
    deferred = deferral(resume(task, deferral(lambda: task.execute(at)), at))
    watch = deferred.trigger

    async def watched() -> dict[str, Any]:
        await watch.service.look(watch.request_id)
        service.expire_tokens()
        told = [event.payload async for event in watch.run()]
        await watch.cleanup()
        return told[0]

    assert asyncio.run(watched())["state"] == "completed"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"group_id": "another"}, "404: PowerBIEntityNotFound There is no such dataset"),
        ({"body": {"type": "add"}}, "400: InvalidRequest Invalid dataset refresh request"),
        ({"body": {"commitMode": "partialBatch"}}, "applyRefreshPolicy must be false"),
    ],
)
def test_a_refusal_fails_at_once_in_the_words_of_the_service(
    operator, service, warehouse, wrong, told: str
) -> None:
    with pytest.raises(AirflowFailException, match=told):
        run_through(operator(**wrong), context())
    assert not service.refreshes
    assert kept(warehouse)[0].state == "failed"


def test_a_wrong_secret_fails_at_once(operator, service, monkeypatch) -> None:
    monkeypatch.setattr(service, "secret", "another")
    with pytest.raises(AirflowFailException, match=r"log-in refused us.*AADSTS7000215"):
        run_through(operator(), context())


def test_beyond_the_budget_of_a_day_it_is_skipped(operator, service, warehouse) -> None:
    for _ in range(3):
        service.start(RefreshRequest(type="full"))
        assert not service.refreshes[0].running
    service.refreshes[2].started_at -= timedelta(hours=25)
    told = run_through(operator(budget=3), context("first"))
    assert told["state"] == "completed"
    with pytest.raises(AirflowSkipException, match="3 refreshes began in the last 24 hours, of 3"):
        run_through(operator(budget="3"), context("second"))
    assert [row.state for row in kept(warehouse)] == ["completed", "left out"]


@pytest.mark.parametrize("cancels", [True, False])
def test_when_its_time_is_up_the_refresh_is_cancelled(
    operator, service, monkeypatch, cancels: bool
) -> None:
    monkeypatch.setattr(watch_refresh, "CANCEL_SECONDS", 2)
    service.fates.append(Fate(seconds=3600))
    body = {"type": "full"} if cancels else STANDARD
    task, at = operator(body=body, timeout=timedelta(seconds=1.5)), context()
    said = "cancelled, it ended as cancelled" if cancels else "it could not be cancelled"
    with pytest.raises(AirflowFailException, match=f"timed out: .*{said}"):
        run_through(task, at)
    assert service.refreshes[0].running is not cancels


def test_waiting_for_others_ends_with_the_time_too(operator, service) -> None:
    service.fates.append(Fate(seconds=3600))
    service.start(RefreshRequest(type="full"))
    with pytest.raises(AirflowFailException, match="another refresh of the dataset ran"):
        run_through(operator(timeout=timedelta(seconds=1)), context())
    assert len(service.refreshes) == 1


def test_a_killed_task_cancels_its_refresh_and_a_cleared_one_asks_anew(operator, service) -> None:
    service.fates.append(Fate(seconds=3600))
    task, at = operator(), context()
    watch = deferral(resume(task, deferral(lambda: task.execute(at)), at)).trigger

    async def kill() -> None:
        running = asyncio.create_task(anext(watch.run()))
        await asyncio.sleep(0.3)
        running.cancel()
        await watch.on_kill()
        await watch.cleanup()

    asyncio.run(kill())
    assert service.refreshes[0].ends == "Cancelled"
    assert run_through(task, context(cleared=1))["state"] == "completed"
    assert len(service.refreshes) == 2


@pytest.mark.parametrize("died", ["before it asked", "after it asked", "while it watched"])
def test_a_retry_goes_on_with_the_refresh_of_the_try_before(
    operator, service, warehouse, died: str
) -> None:
    service.fates.append(Fate(seconds=0.8))
    task, at = operator(), context()
    deferred = deferral(lambda: task.execute(at))
    if died == "after it asked":
        tell(deferred.trigger)
    if died == "while it watched":
        deferral(resume(task, deferred, at))
    assert run_through(operator(), at)["state"] == "completed"
    assert len(service.refreshes) == 1
    assert [row.state for row in kept(warehouse)] == ["completed"]


def test_a_triggerer_that_died_after_it_asked_goes_on_with_that_refresh(operator, service) -> None:
    deferred = deferral(lambda: operator().execute(context()))
    first, second = tell(deferred.trigger), tell(deferred.trigger)
    assert first == second
    assert len(service.refreshes) == 1


def test_another_run_does_not_take_the_refresh_of_the_one_before(operator, service) -> None:
    run_through(operator(), context("one"))
    run_through(operator(), context("two"))
    assert len(service.refreshes) == 2


def test_a_service_that_is_away_is_asked_again(operator, service) -> None:
    task, at = operator(), context()
    service.troubles.extend([(503, {}, {"error": {"code": "Unavailable"}})] * 2)
    deferred = deferral(resume(task, deferral(lambda: task.execute(at)), at))
    service.troubles.extend([(500, {}, {})] * 2)
    assert resume(task, deferred, at)()["state"] == "completed"
    assert len(service.refreshes) == 1


def test_a_refresh_the_service_forgot_is_no_success(operator, service) -> None:
    task, at = operator(), context()
    deferred = deferral(resume(task, deferral(lambda: task.execute(at)), at))
    service.refreshes.clear()
    with pytest.raises(AirflowFailException, match=r"unknown: .*404"):
        resume(task, deferred, at)()


def test_body_and_dataset_are_templates(operator) -> None:
    task = operator(body='{"type": "full", "effectiveDate": "{{ day }}"}', group_id="{{ group }}")
    task.render_template_fields({"day": "2026-01-02", "group": "one"})
    trigger = deferral(lambda: task.execute(context())).trigger
    assert isinstance(trigger, StartRefresh)
    assert trigger.body == {"type": "full", "effectiveDate": "2026-01-02"}
    assert trigger.group_id == "one"


def test_a_watch_survives_serialisation() -> None:
    watch = WatchRefresh("powerbi", "g", "d", "id", until=12.5, poll=3)
    path, arguments = watch.serialize()
    assert path == "vigie.orchestration.watch_refresh.WatchRefresh"
    assert WatchRefresh(**arguments).serialize() == (path, arguments)


def test_the_service_is_real_enough_to_refuse_a_second_refresh(service: Service) -> None:
    service.fates.append(Fate(seconds=3600))
    assert service.start(RefreshRequest()) is not None
    assert service.start(RefreshRequest()) is None
