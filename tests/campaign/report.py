"""The outcome of a campaign: as a table to read and as JSON to keep."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tests.campaign.judge import Kept
from tests.campaign.plan import Fault, Plan
from tests.campaign.sent import Sent


@dataclass
class Outcome:
    """What a campaign gave; clean if `wrong` is empty."""

    plan: Plan
    missed: list[int] = field(default_factory=list)
    """Faults that found nothing to strike."""
    back: dict[int, float] = field(default_factory=dict)
    """Seconds until a fault's component worked again, by the fault's number."""
    phases: dict[str, float] = field(default_factory=dict)
    """Seconds by phase of the campaign."""
    sent: dict[str, dict[str, int]] = field(default_factory=dict)
    kept: dict[str, dict[str, int]] = field(default_factory=dict)
    launches: dict[str, int] = field(default_factory=dict)
    failed_runs: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def account(self, sent: Sent, kept: Kept) -> None:
        """Note the numbers of one feed."""
        unsure = len(sent.meant.keys() - sent.acknowledged - sent.refused)
        self.sent[sent.feed] = dict(sent.counts) | {"never answered": unsure}
        reasons = Counter(reason for _, reason in kept.quarantine)
        self.kept[sent.feed] = dict(kept.counts) | {f"  {k}": n for k, n in sorted(reasons.items())}

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        told = {name: value for name, value in vars(self).items() if name != "plan"}
        return self.plan.as_json() | {"clean": not self.wrong} | told

    def lines(self) -> list[str]:
        """The tables."""
        faults = self.plan.faults
        lines = [f"{len(faults)} faults of seed {self.plan.seed}, {len(self.missed)} found nothing"]
        lines += ["", f"{'component':24s}{'faults':>8s}  {'seconds until back':24s} kinds"]
        lines.append(f"{'':34s}(- where it was not seen away; of faults that overlap)")
        for component in sorted({_component(fault) for fault in faults}):
            lines.append(self._line(component, [f for f in faults if _component(f) == component]))
        for title, numbers in (("sent", self.sent), ("kept", self.kept)):
            lines += ["", *_by_feed(title, numbers)]
        launches = ", ".join(f"{feed} {number}" for feed, number in self.launches.items())
        lines += ["", f"launches: {launches}"]
        lines.append(f"runs that failed in Airflow: {', '.join(self.failed_runs) or 'none'}")
        took = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.phases.items())
        lines += [f"took: {took}", ""]
        if not self.wrong:
            return [*lines, "clean: everything sent is accounted for, once"]
        return [*lines, f"NOT CLEAN, {len(self.wrong)} differences:", *self.wrong]

    def _line(self, component: str, faults: list[Fault]) -> str:
        seconds = [self.back[f.number] for f in faults if f.number in self.back]
        told = f"median {median(seconds):.0f}, most {max(seconds):.0f}" if seconds else "-"
        kinds = Counter(fault.kind for fault in faults)
        listed = ", ".join(f"{kind} {times}" for kind, times in sorted(kinds.items()))
        return f"{component:24s}{len(faults):8d}  {told:24s} {listed}"


def _component(fault: Fault) -> str:
    return f"messages by {fault.target}" if fault.size else fault.component


def _by_feed(title: str, numbers: dict[str, dict[str, int]]) -> list[str]:
    names = list(dict.fromkeys(name for counts in numbers.values() for name in counts))
    lines = [f"{title:24s}" + "".join(f"{feed:>14s}" for feed in numbers) + f"{'all':>12s}"]
    for name in names:
        each = [counts.get(name, 0) for counts in numbers.values()]
        lines.append(f"{name:24s}" + "".join(f"{n:14d}" for n in each) + f"{sum(each):12d}")
    return lines
