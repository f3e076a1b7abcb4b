"""Dashboards, rules and runbooks agree with each other, with the code, and with promtool."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
from grafana_foundation_sdk.models.dashboard import Dashboard
from ruamel.yaml import YAML

from tests.metrics.expressions import (
    AIRFLOW,
    PROMETHEUS_OWN,
    PUSHED,
    SPARK,
    expressions,
    names,
    panels,
)
from vigie.cli.app import app
from vigie.contract.loader import load_feeds
from vigie.errors import VigieError
from vigie.generated import differing, write
from vigie.ingest import counts
from vigie.metrics.catalogue import FAMILIES
from vigie.metrics.grafana.panels import COLOURS
from vigie.metrics.grafana.project import dashboard_files
from vigie.metrics.rules import load_rules
from vigie.settings import HOME
from vigie.streaming import batch_metrics

pytestmark = pytest.mark.unit
RULES = load_rules(HOME / "prometheus/rules")
RUNBOOKS = {path.stem: path for path in (HOME / "docs/runbooks").glob("*.md")}


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HOME)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_generating_again_changes_nothing(tmp_path: Path) -> None:
    wanted = dashboard_files(list(load_feeds().values()))
    assert differing(wanted, HOME) == {}
    write({path: "spoilt" for path in wanted}, tmp_path)
    assert differing(wanted, tmp_path) == wanted
    write(differing(wanted, tmp_path), tmp_path)
    assert differing(wanted, tmp_path) == {}


def test_grafanas_own_types_take_every_dashboard() -> None:
    for path in (HOME / "grafana/dashboards").glob("*.json"):
        found = json.loads(path.read_text())
        again = Dashboard.from_json(found)
        assert again.uid == found["uid"] == f"vigie-{path.stem}"
        assert len(again.panels or []) == len(found["panels"])


def test_every_panel_says_what_it_shows_and_in_what_unit() -> None:
    shown = list(panels())
    assert len(shown) > 30
    for dashboard, panel in shown:
        told = f"{dashboard}: {panel.get('title')}"
        assert panel["title"], told
        assert panel["description"].endswith("."), told
        assert panel["fieldConfig"]["defaults"]["unit"], told
        assert panel["datasource"]["uid"] == "vigie-prometheus", told
        for link in panel.get("links", ()):
            alert = Path(link["url"]).stem
            assert alert in RUNBOOKS, told
            assert f"docs/runbooks/{alert}.md" in panel["description"], told


def test_panels_of_a_dashboard_do_not_cover_each_other() -> None:
    taken: dict[tuple[str, int, int], str] = {}
    for dashboard, panel in panels():
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                place = (dashboard, x, y)
                assert place not in taken, f"{dashboard}: {panel['title']} on {taken[place]}"
                taken[place] = panel["title"]


def test_colours_are_those_everybody_can_tell_apart() -> None:
    for path in (HOME / "grafana/dashboards").glob("*.json"):
        assert set(re.findall(r"#[0-9A-Fa-f]{6}", path.read_text())) <= set(COLOURS)


def test_provisioning_points_at_what_the_dashboards_ask() -> None:
    load = YAML(typ="safe", pure=True).load
    (source,) = load(HOME / "grafana/provisioning/datasources/vigie.yaml")["datasources"]
    assert (source["type"], source["uid"]) == ("prometheus", "vigie-prometheus")
    (provider,) = load(HOME / "grafana/provisioning/dashboards/vigie.yaml")["providers"]
    assert provider["options"]["path"]


def test_every_metric_that_is_asked_for_is_known() -> None:
    known = set(FAMILIES) | PROMETHEUS_OWN | SPARK | PUSHED | AIRFLOW
    for family in (*counts.registry.collect(), *batch_metrics.registry.collect()):
        known |= {
            f"{family.name}{suffix}" for suffix in ("", "_total", "_bucket", "_sum", "_count")
        }
    asked = {name for expression in expressions() for name in names(expression)}
    assert len(asked) > 30
    assert asked <= known
    assert all(names(expression) for expression in expressions())


def test_promtool_parses_every_expression(promtool: str, tmp_path: Path) -> None:
    rules = [{"record": f"asked:{n}", "expr": e} for n, e in enumerate(expressions())]
    file = tmp_path / "asked.yaml"
    file.write_text(json.dumps({"groups": [{"name": "asked", "rules": rules}]}))
    assert f"{len(rules)} rules found" in run(promtool, "check", "rules", file)


def test_promtool_takes_the_rules_and_their_tests(promtool: str) -> None:
    run(promtool, "check", "rules", *sorted((HOME / "prometheus/rules").glob("*.yaml")))
    run(promtool, "test", "rules", *sorted((HOME / "prometheus/tests").glob("*.yaml")))


def test_alertmanager_takes_its_configuration(amtool: str) -> None:
    assert "SUCCESS" in run(amtool, "check-config", HOME / "prometheus/alertmanager.yaml")


def test_every_alert_is_seen_to_fire_and_to_stay_quiet() -> None:
    fires: set[str] = set()
    quiet: set[str] = set()
    for path in (HOME / "prometheus/tests").glob("*.yaml"):
        for case in YAML(typ="safe", pure=True).load(path)["tests"]:
            for asked in case["promql_expr_test"]:
                (alert,) = re.findall(r'alertname="(\w+)",alertstate="firing"', asked["expr"])
                (fires if asked["exp_samples"] else quiet).add(alert)
    assert fires == quiet == {rule.name for rule in RULES}


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert RUNBOOKS.keys() == {rule.name for rule in RULES}
    for rule in RULES:
        assert rule.runbook == f"docs/runbooks/{rule.name}.md"
        assert rule.severity in ("warning", "critical")
        text = (HOME / rule.runbook).read_text()
        for heading in (f"# {rule.name}", "## What it means", "## How to see it", "## What to do"):
            assert heading in text, rule.name


def test_inhibitions_name_alerts_that_exist() -> None:
    told = (HOME / "prometheus/alertmanager.yaml").read_text()
    named = {n for found in re.findall(r'alertname=~?"([\w|]+)"', told) for n in found.split("|")}
    assert named
    assert named <= RUNBOOKS.keys()


def find_command(words: list[str]) -> Any:
    command: Any = typer.main.get_command(app)
    for word in words:
        if word not in getattr(command, "commands", ()):
            break
        command = command.commands[word]
    return command


@pytest.mark.parametrize("alert", sorted(RUNBOOKS))
def test_commands_of_a_runbook_exist(alert: str) -> None:
    text = RUNBOOKS[alert].read_text()
    lines = re.findall(r"(?:^\$ |`)(vigie [^#`\n]+)", text, re.MULTILINE)
    for line in lines:
        words = line.split()[1:]
        command = find_command(words)
        assert not hasattr(command, "commands"), f"{line}: no such command"
        options = {word.split("=")[0] for word in words if word.startswith("--")}
        known = {option for parameter in command.params for option in parameter.opts}
        assert options <= known, line


def test_a_rule_that_lacks_a_part_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("groups: [{name: a, rules: [{alert: A, expr: up}]}]")
    with pytest.raises(VigieError, match=r"a\.yaml.*'annotations'.*expected groups of alerts"):
        load_rules(tmp_path)
