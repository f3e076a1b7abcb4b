"""A short campaign of faults on a stack of its own is clean."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaign.plan import make_plan
from tests.campaign.run import run
from vigie.contract.loader import load_feeds

pytestmark = [pytest.mark.e2e, pytest.mark.campaign, pytest.mark.timeout(3600)]


def test_a_short_campaign_is_clean(tmp_path: Path) -> None:
    outcome = run(make_plan(3, 20, list(load_feeds())), tmp_path / "campaign", print)
    assert outcome.wrong == [], "\n".join(outcome.lines())
