"""The alert rules as `prometheus/rules/*.yaml` has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from vigie.errors import VigieError


@dataclass(frozen=True)
class Rule:
    """One alert: what it asks, for how long that must hold, and what is said."""

    name: str
    group: str
    expr: str
    lasts: str
    severity: str
    summary: str
    description: str
    runbook: str


def load_rules(folder: Path) -> Sequence[Rule]:
    """All alerts, in the order of files and of the rules in them.

    Raises:
        VigieError: A file is no list of alerts, or an alert lacks one of its parts.
    """
    return [rule for path in sorted(folder.glob("*.yaml")) for rule in _read(path)]


def _read(path: Path) -> Iterator[Rule]:
    try:
        for group in YAML(typ="safe", pure=True).load(path)["groups"]:
            for rule in group["rules"]:
                told = rule["annotations"]
                yield Rule(
                    rule["alert"],
                    group["name"],
                    " ".join(rule["expr"].split()),
                    rule["for"],
                    rule["labels"]["severity"],
                    told["summary"],
                    told["description"],
                    told["runbook_url"],
                )
    except (YAMLError, KeyError, TypeError, OSError) as error:
        message = (
            f"{path}: found {type(error).__name__} {error}, expected groups of alerts, each with "
            "expr, for, severity, summary, description and runbook_url"
        )
        raise VigieError(message) from error
