"""Requests that the API describes, and some that it does not: each is answered as it says."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import BaseSchema, Case
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.ingest.conftest import Api
from vigie.broker.topics import ensure_topics
from vigie.contract.loader import load_feeds

pytestmark = [pytest.mark.broker, pytest.mark.campaign, pytest.mark.timeout(3600)]


@pytest.fixture
def described(api: Api) -> BaseSchema:
    ensure_topics(load_feeds().values())
    return schemathesis.openapi.from_url(f"{api.address}/openapi.json")


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_each_answer_is_one_that_is_described(case: Case, api: Api) -> None:
    answer = case.call(headers={"Authorization": f"Bearer {api.key}"})

    assert answer.status_code < 500
    # A schema cannot say what a time is, and what the stream would store is never refused: a
    # sensor's name that is a number, say.
    case.validate_response(
        answer, excluded_checks=[positive_data_acceptance, negative_data_rejection]
    )
