"""A simulation with every fault: the stack makes of it what the simulator said it must."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.local_stack import LocalStack
from vigie.contract.loader import get_feed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.mark.parametrize("name", ["air_quality", "gas_turbine"])
def test_the_ledger_grows_by_the_simulators_tally(local_stack: LocalStack, name: str) -> None:
    feed = get_feed(name)
    before = local_stack.account(feed)
    counted = f"SELECT reason, count(*) FROM ops.quarantine WHERE feed = '{name}' GROUP BY 1"
    reasons_before = Counter(dict(local_stack.query(counted)))

    history = ("--start", "2019-06-01", "--count", "20000", "--sensors", "40", "--seed", "4242")
    sent = local_stack.run("simulate", name, *history, "--faults", "0.02", "--json")

    assert sent.returncode == 0, sent.stderr
    (tally,) = json.loads(sent.stdout)
    assert tally["acknowledged"] == tally["sent"]
    assert all(tally["faults"][kind] for kind in ("gaps", "copies", "conflicts", "late", "stuck"))
    after = local_stack.settle(feed, before["read"] + tally["sent"])
    expected = tally["expected"]
    for count in ("stored", "copies", "conflicts"):
        assert after[count] - before[count] == expected[count], count
    reasons = Counter(dict(local_stack.query(counted))) - reasons_before
    assert reasons.pop("conflicting_copy") == expected["conflicts"]
    assert dict(reasons) == expected["quarantined"]
