"""A person decides about a new model in Airflow's own pages, on a whole stack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.airflow import RUN, Airflow
from tests.browser.test_streams_on_a_stack import log_in
from tests.local_stack import LocalStack, wait_for
from vigie.contract.loader import get_feed
from vigie.modelling.register import open_client, set_aliases
from vigie.modelling.registry import CHAMPION, find_aliases

pytestmark = [pytest.mark.e2e, pytest.mark.campaign, pytest.mark.timeout(1800)]
MODEL = "nox"
DAG = f"train_{MODEL}"
PATIENCE = 60_000


def ask(airflow: Airflow) -> None:
    """Train a challenger that a person decides about; returns once it asks."""
    airflow.do("dags", "trigger", DAG, "--conf", json.dumps({"approval": True}))

    def waits() -> bool:
        found = airflow.get("/dags/~/dagRuns/~/hitlDetails")["hitl_details"]
        return any(
            each["task_instance"]["dag_id"] == DAG and not each["response_received"]
            for each in found
        )

    wait_for(waits, "a model to be decided about", RUN)


def answer(page: Page, stack: LocalStack, choice: str) -> None:
    """Choose as a person does: from the list of required actions."""
    listed = "required_actions?response_received=false"
    page.goto(f"http://{stack.stack.address('airflow')}/{listed}")
    page.get_by_role("link", name=f"A new {MODEL} model?").first.click(timeout=PATIENCE)
    expect(page.get_by_text("Figures and pictures are in MLflow")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name=choice, exact=True).click()


def decided(stack: LocalStack) -> list[str]:
    """What the administrator decided, in order."""
    rows = stack.query(
        f"SELECT kind FROM ops.model_event WHERE model = '{MODEL}' AND person = 'admin' "
        "ORDER BY event_id"
    )
    return [kind for (kind,) in rows]


def test_a_person_declines_and_promotes_a_model_in_airflow(
    page: Page, local_stack: LocalStack, shared_data: Path
) -> None:
    airflow, feed = Airflow(local_stack), get_feed("gas_turbine")
    log_in(page, local_stack)
    with airflow.unpaused(DAG):
        # The run of the time itself asks nobody, and makes a champion where there is history.
        airflow.finished(DAG, "scheduled")
        read = local_stack.messages_read(feed)
        year = shared_data / "gas_turbine" / "gt_2011.csv"
        assert local_stack.run("replay", feed.name, str(year)).returncode == 0
        local_stack.settle(feed, read + 7411)
        # Without a champion each challenger passes, so that there is one to decide about.
        with open_client() as client:
            set_aliases(client, MODEL, {CHAMPION: None})
        for choice, wanted in (("Decline", ["declined"]), ("Promote", ["declined", "promoted"])):
            ask(airflow)
            assert find_aliases(MODEL).get(CHAMPION) is None
            answer(page, local_stack, choice)
            wait_for(lambda wanted=wanted: decided(local_stack) == wanted, choice, RUN)
    assert find_aliases(MODEL).get(CHAMPION) is not None
