"""What a run of the fleet gave: figures as text, and a picture with the stream's lag beside it."""

from __future__ import annotations

import csv
import json
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Result:
    """Answers of the API, growth of the ledger, and both sides as time went on."""

    answers: Mapping[str, int]
    grown: Mapping[str, int]
    lags: Sequence[tuple[float, int | None]]
    history: Sequence[Mapping[str, str]]
    total: Mapping[str, str]

    @property
    def accepted(self) -> int:
        """Readings that were answered with 202, some of them more than once."""
        return self.answers.get("accepted", 0)

    @classmethod
    def read(
        cls, folder: Path, *, grown: Mapping[str, int], lags: Sequence[tuple[float, int | None]]
    ) -> Result:
        """Read what Locust left in the folder."""
        answers = json.loads((folder / "answers.json").read_text())
        with (folder / "locust_stats_history.csv").open() as file:
            history = [row for row in csv.DictReader(file) if row["Name"] == "Aggregated"]
        with (folder / "locust_stats.csv").open() as file:
            (total,) = [row for row in csv.DictReader(file) if row["Name"] == "Aggregated"]
        return cls(answers, grown, lags, history, total)


def tell(result: Result, asked: Namespace, drained: float) -> str:
    """The figures as lines of text."""
    total, grown = result.total, result.grown
    most = max((messages for _, messages in result.lags if messages is not None), default=0)
    sums = " + ".join(f"{grown[kind]} {kind}" for kind in grown if kind != "read")
    verdict = "all accounted for" if result.accepted == grown["read"] else "NOT ACCOUNTED FOR"
    statuses = {name: n for name, n in sorted(result.answers.items()) if name.isdigit()}
    return "\n".join(
        (
            f"{asked.meters} devices of {asked.feed}, profile {asked.profile}, "
            f"{asked.seconds:.0f} s, a reading each every {asked.pace:g} s",
            f"requests: {total['Request Count']}, {float(total['Requests/s']):.0f}/s; "
            f"by status: {statuses}",
            f"answer: median {total['50%']} ms, p95 {total['95%']} ms, p99 {total['99%']} ms",
            f"accepted {result.accepted}, refused {result.answers.get('refused', 0)}; "
            f"the stream read {grown['read']} = {sums}: {verdict}",
            f"lag: {most} messages at most, gone {drained:.1f} s after the last request",
        )
    )


def draw(result: Result, file: Path) -> None:
    """Requests and answers above, the lag of the stream below, over the same seconds."""
    figure = Figure(figsize=(8, 6), layout="constrained")
    rate, lag = figure.subplots(2, sharex=True)
    begin = float(result.history[0]["Timestamp"])
    at = [float(row["Timestamp"]) - begin for row in result.history]
    rate.plot(at, [float(row["Requests/s"]) for row in result.history], color="#0072B2")
    rate.set_ylabel("requests/s", color="#0072B2")
    slow = rate.twinx()
    told = [row["95%"] for row in result.history]
    slow.plot(at, [float(t) if t != "N/A" else None for t in told], color="#D55E00")
    slow.set_ylabel("p95 of the answer (ms)", color="#D55E00")
    known = [(when, messages) for when, messages in result.lags if messages is not None]
    lag.plot([when for when, _ in known], [messages for _, messages in known], color="#009E73")
    lag.set_ylabel("lag of the stream (messages)")
    lag.set_xlabel("seconds")
    figure.savefig(file, dpi=120)
