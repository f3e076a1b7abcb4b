from __future__ import annotations

from pathlib import Path

import pytest

from vigie.contract.loader import feed_files, load_feed, load_feeds
from vigie.errors import ContractError

GOOD = """
feed: pump
title: Pumps
sensor: id
event_time: at
fields:
  pressure: {unit: bar, valid: [0, 100]}
windows: {pane: 1 minute, sliding: [{length: 5 minutes, slide: 1 minute}]}
late_after: 10 minutes
"""


def write(folder: Path, text: str, name: str = "pump") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text, "utf-8")
    return path


def faults(folder: Path, text: str, name: str = "pump") -> str:
    with pytest.raises(ContractError) as caught:
        load_feed(write(folder, text, name))
    return str(caught.value)


@pytest.mark.parametrize("path", feed_files(), ids=lambda path: path.stem)
def test_every_shipped_contract_loads(path: Path) -> None:
    assert load_feed(path).name == path.stem


def test_the_five_feeds_are_shipped() -> None:
    assert {"air_quality", "gas_turbine", "fleet", "environment", "smart_meter"} <= set(
        load_feeds()
    )


def test_defaults_are_those_of_the_design(tmp_path: Path) -> None:
    feed = load_feed(write(tmp_path, GOOD))

    assert feed.kafka.max_message == 256 * 1024
    assert feed.clock_skew.total_seconds() == 300
    assert feed.retention.readings is None


def test_all_faults_of_a_file_are_named_at_once(tmp_path: Path) -> None:
    text = faults(
        tmp_path,
        """
feed: other
sensor: id
event_time: at
bogus: 1
sinks: [documants]
fields:
  a: {type: flaot, valid: [3, 1]}
  status: {}
windows: {pane: 7 minutes, sliding: [{length: 10 minutes, slide: 1 eon}]}
alerts: {hot: {severity: bad, when: {field: q, above: 1, below: 2}}}
""",
    )

    for expected in (
        "feed: found 'other', expected 'pump'",
        "title: found nothing",
        "bogus: found an unknown key",
        "sinks.0: found 'documants', expected 'documents'",
        "fields.a.type: found 'flaot', expected 'float', 'integer' or 'boolean'",
        "fields.a.valid: found [3, 1], expected [lowest, highest]",
        "fields.status: found 'status'",
        "windows.pane: found '7 minutes'",
        "windows.sliding.0.length: found '10 minutes', expected a multiple of the pane",
        "windows.sliding.0.slide: found '1 eon'",
        "alerts.hot.severity: found 'bad'",
        "alerts.hot.when.field: found 'q', expected one of a, status",
        "alerts.hot.when: found above, below, expected exactly one",
        "late_after: found nothing",
    ):
        assert expected in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("feed: pump\nfeed: pump\n", "key"),
        ("- a\n- b\n", "file: found list"),
        ("feed: [", "line"),
        ("", "file: found NoneType"),
    ],
)
def test_text_that_is_no_contract_is_named(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in faults(tmp_path, text)


def test_a_name_for_windows_needs_windows(tmp_path: Path) -> None:
    text = """
feed: pump
title: Pumps
sensor: id
event_time: at
fields: {a: {}}
windows: {pane: 1 minute}
late_after: 1 minute
aliases: {windows: pump_aggregate}
"""

    assert "aliases.windows: found no windows" in faults(tmp_path, text)


def test_two_fields_may_not_share_a_json_path(tmp_path: Path) -> None:
    text = GOOD.replace("fields:", "fields:\n  second: {source: pressure.value}")

    assert "fields.pressure: found 'pressure'" in faults(tmp_path, text)


def test_a_status_word_means_one_thing(tmp_path: Path) -> None:
    text = GOOD + "status: {field: state, ok: [ON], fault: [OFF, ON]}\n"

    assert "status.fault: found 'ON', expected a word not already in ok" in faults(tmp_path, text)


@pytest.mark.parametrize(
    ("retention", "expected"),
    [
        ("{panes: 1 year}", "retention.panes: found '1 year', expected retention.readings too"),
        ("{readings: 2 years, panes: 1 year}", "expected at least as long as the readings"),
    ],
)
def test_panes_outlive_the_readings_they_sum_up(
    tmp_path: Path, retention: str, expected: str
) -> None:
    assert expected in faults(tmp_path, GOOD + f"retention: {retention}\n")


def test_a_model_predicts_a_field_at_a_cadence_there_is(tmp_path: Path) -> None:
    text = faults(
        tmp_path,
        GOOD + "model: {name: weather, target: heat, cadence: hourly, label_delay: a day}\n",
    )

    for expected in (
        "model.name: found 'weather', expected 'nox' or 'consumption'",
        "model.target: found 'heat', expected one of pressure",
        "model.cadence: found 'hourly', expected 'monthly', 'weekly', 'daily' or 'drift'",
        "model.label_delay: found 'a day', expected a whole number above 0",
    ):
        assert expected in text


def test_yaml_words_for_booleans_stay_text(tmp_path: Path) -> None:
    feed = load_feed(write(tmp_path, GOOD + "status: {field: state, ok: [ON], fault: [OFF, NO]}\n"))

    assert feed.status is not None
    assert feed.status.fault == ("OFF", "NO")


def test_the_hash_follows_the_content(tmp_path: Path) -> None:
    first = load_feed(write(tmp_path, GOOD)).hash

    assert load_feed(write(tmp_path, GOOD + "\n# a comment\n")).hash == first
    assert load_feed(write(tmp_path, GOOD.replace("100", "101"))).hash != first


@pytest.mark.parametrize("word", ["on", "end", "order", "user", "lateral", "percent"])
def test_a_word_of_sql_names_no_column_and_no_view(tmp_path: Path, word: str) -> None:
    field = GOOD.replace("pressure: {", f"'{word}': {{")
    alias = GOOD + f"aliases: {{readings: {word}}}\n"

    named = f"found '{word}', expected a name that is no word of SQL"
    assert f"fields.{word}: {named}" in faults(tmp_path, field)
    assert f"aliases.readings: {named}" in faults(tmp_path, alias)


def test_a_word_of_sql_may_still_be_what_the_message_calls_it(tmp_path: Path) -> None:
    text = GOOD.replace("{unit: bar", "{source: order, unit: bar")
    assert load_feed(write(tmp_path, text)).fields["pressure"].path == "order"
