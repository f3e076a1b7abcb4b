"""A person decides about a new model in Airflow's own pages, on a whole stack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.airflow import RUN, Airflow
from tests.browser.test_streams_on_a_stack import log_in
from tests.local_stack import LocalStack, wait_for
from vigie.modelling.register import open_client, set_aliases
from vigie.modelling.registry import CHAMPION, find_aliases

pytestmark = [pytest.mark.e2e, pytest.mark.campaign, pytest.mark.timeout(1800)]
MODEL = "nox"
DAG = f"train_{MODEL}"
PATIENCE = 60_000


@contextmanager
def asked(airflow: Airflow) -> Iterator[None]:
    """Train a challenger that a person decides about; yields once it asks."""
    airflow.do("dags", "trigger", DAG, "--conf", json.dumps({"approval": True}))

    def waits() -> bool:
        found = airflow.get("/dags/~/dagRuns/~/hitlDetails")["hitl_details"]
        return any(
            each["task_instance"]["dag_id"] == DAG and not each["response_received"]
            for each in found
        )

    # While a run waits for its turn, none is made by time.
    with airflow.unpaused(DAG):
        wait_for(waits, "a model to be decided about", RUN)
        yield


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
    page: Page, local_stack: LocalStack
) -> None:
    airflow = Airflow(local_stack)
    # A stack's first training needs nobody. Without its champion each challenger passes.
    wait_for(lambda: find_aliases(MODEL).get(CHAMPION), "a first champion", RUN)
    with open_client() as client:
        set_aliases(client, MODEL, {CHAMPION: None})
    log_in(page, local_stack)
    for choice, decisions in (("Decline", ["declined"]), ("Promote", ["declined", "promoted"])):
        with asked(airflow):
            assert find_aliases(MODEL).get(CHAMPION) is None
            answer(page, local_stack, choice)
            wait_for(lambda wanted=decisions: decided(local_stack) == wanted, choice, RUN)
    assert find_aliases(MODEL).get(CHAMPION) is not None
