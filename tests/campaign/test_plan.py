"""A plan is its seed's alone, and leaves no component out."""

from __future__ import annotations

import random

import pytest

from tests.campaign.plan import COMPONENTS, DRIVER, Plan, make_plan
from vigie.contract.loader import load_feeds
from vigie.local.parts import LISTENERS
from vigie.local.prometheus import NAMES

pytestmark = pytest.mark.unit

SEEDS = (1, 7, 424242)


def plan(seed: int, count: int = 100) -> Plan:
    return make_plan(seed, count, list(load_feeds()))


@pytest.mark.parametrize("seed", SEEDS)
def test_equal_seeds_give_equal_plans(seed: int) -> None:
    first = plan(seed)
    random.random()
    assert plan(seed) == first
    assert plan(seed + 1) != first
    assert plan(seed, 10).faults == first.faults[:10]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_hundred_faults_hit_every_component_driver_and_feed(seed: int) -> None:
    faults = plan(seed).faults
    hit = {fault.component for fault in faults if not fault.size}
    assert hit == set(COMPONENTS) | {f"{DRIVER} {feed}" for feed in load_feeds()}
    for kind in ("poison", "load"):
        sent = {(fault.target, fault.feed) for fault in faults if fault.kind == kind}
        assert {feed for _, feed in sent} == set(load_feeds())
        assert {way for way, _ in sent} == {"http", "topic"}
    assert {fault.kind for fault in faults} == {"kill", "cut", "stop", "restart", "poison", "load"}


@pytest.mark.parametrize("seed", SEEDS)
def test_no_component_is_hit_while_it_is_held(seed: int) -> None:
    held: dict[str, float] = {}
    moment = 0.0
    for fault in plan(seed).faults:
        assert fault.at >= moment
        moment = fault.at
        if not fault.size:
            assert held.get(fault.component, 0.0) <= fault.at
            held[fault.component] = fault.at + fault.hold


def test_the_components_are_those_of_the_stack() -> None:
    """Whoever adds a program to the stack adds it to the campaign."""
    scheduled = {"airflow-scheduler", "airflow-triggerer", "airflow-dag-processor"}
    assert set(COMPONENTS) - scheduled == set(LISTENERS) - set(NAMES)
