from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from vigie.broker.offsets import TopicState
from vigie.lake.ledger import LakeLedger, LostRange, _parse
from vigie.lake.plan import plan
from vigie.warehouse.ledger import OffsetRange


def topic(*ends: tuple[int, int], topic_id: str = "a") -> TopicState:
    return TopicState("t", topic_id, dict(enumerate(ends)))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 25)), min_size=1, max_size=12))
def test_steps_of_any_size_hold_each_offset_once_and_nothing_else(steps) -> None:
    ledger, end = LakeLedger(), 0
    for grown, most in steps:
        end += grown
        now = topic((0, end), (0, 2 * end))
        while (step := plan(ledger, now, most=most)).ranges:
            ledger = ledger.after(step.ranges, step.lost)
            assert _parse(ledger.dump()) == ledger
    expected = [OffsetRange("a", 0, 0, end), OffsetRange("a", 1, 0, 2 * end)]
    assert list(ledger.held) == [part for part in expected if part.end]
    assert ledger.lost == ()


def test_expired_offsets_are_lost_and_the_rest_is_planned() -> None:
    ledger = LakeLedger(1, (OffsetRange("a", 0, 0, 10),))
    step = plan(ledger, topic((15, 20)))
    assert [(part.begin, part.end) for part in step.ranges] == [(15, 20)]
    assert [(part.begin, part.end) for part in step.lost] == [(10, 15)]
    after = ledger.after(step.ranges, step.lost)
    assert [(part.begin, part.end) for part in after.held] == [(0, 10), (15, 20)]
    assert plan(after, topic((15, 20))).lost == ()


def test_a_topic_made_anew_is_told_once_and_begins_at_zero() -> None:
    ledger = LakeLedger(1, (OffsetRange("a", 0, 0, 10),))
    anew = topic((0, 3), topic_id="b")
    step = plan(ledger, anew)
    assert step.ranges == (OffsetRange("b", 0, 0, 3),)
    assert [(part.topic_id, part.begin, part.end) for part in step.lost] == [("a", 10, 10)]
    assert plan(ledger.after(step.ranges, step.lost), anew).lost == ()


def test_a_log_that_ends_before_the_lake_does_is_a_fault_of_that_partition_alone() -> None:
    ledger = LakeLedger(1, (OffsetRange("a", 0, 0, 10), OffsetRange("a", 1, 0, 10)))
    step = plan(ledger, topic((0, 4), (0, 12)))
    assert step.ranges == (OffsetRange("a", 1, 10, 12),)
    (fault,) = step.faults
    assert fault.startswith("partition 0")


def test_metadata_of_other_programs_is_no_ledger() -> None:
    for text in (None, "", "words", "[]", "3", '{"other": 1}'):
        assert _parse(text) is None
    lost = LostRange("a", 0, 1, 2, "gone")
    assert _parse(LakeLedger(3, (), (lost,)).dump()) == LakeLedger(3, (), (lost,))
