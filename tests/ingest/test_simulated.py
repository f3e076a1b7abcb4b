"""The simulator sends to the API what it could have sent to Kafka."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from tests.ingest.conftest import Api
from vigie.broker.offsets import read_topic
from vigie.broker.topics import ensure_topics
from vigie.cli import app
from vigie.contract.loader import get_feed

pytestmark = pytest.mark.broker


def test_what_is_malformed_is_rejected_and_the_rest_is_in_kafka(api: Api) -> None:
    feed = get_feed("fleet")
    ensure_topics([feed])
    before = sum(end for _, end in read_topic(feed.topic).partitions.values())
    history = ("simulate", feed.name, "--start", "2026-02-01", "--count", "3000")

    sent = CliRunner().invoke(
        app, [*history, "--faults", "0.02", "--to", api.address, "--key", api.key, "--json"]
    )

    assert sent.exit_code == 0, sent.output
    (tally,) = json.loads(sent.stdout)
    malformed = tally["expected"]["quarantined"]["malformed"]
    assert tally["rejected"] == malformed > 0
    assert tally["acknowledged"] == tally["sent"] - malformed
    after = sum(end for _, end in read_topic(feed.topic).partitions.values())
    assert after - before == tally["acknowledged"]


def test_a_wrong_key_ends_it(api: Api) -> None:
    history = ("simulate", "fleet", "--start", "2026-02-01", "--count", "10")
    sent = CliRunner().invoke(app, [*history, "--to", api.address, "--key", "wrong"])
    assert sent.exit_code == 2
    assert "found answer 401" in sent.output
