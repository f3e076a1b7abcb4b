"""The generated pages of the documentation: every metric, every alert."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from vigie.metrics.catalogue import FAMILIES
from vigie.metrics.rules import Rule

_METRICS = """\
# Metrics of the exporter

Written by `vigie metrics generate` from `include/vigie/metrics/catalogue.py`; a test holds both
equal.

The exporter (`http://127.0.0.1:9188/metrics` on the local stack) asks each source once per scrape,
for four seconds at most. A source that is away is a 0 in `vigie_exporter_source_up`, and its
metrics are missing from that scrape. `operations` is asked at most every 30 seconds, `sizes` every
60. Counters are sums of the ledger; times are moments of the database's clock.

Each driver shows `vigie_batch_seconds` (a histogram by `feed` and `phase`: spark, split, warehouse)
and `vigie_batch_late_readings_total` by `feed`, at a port of its own (from 9200 on).
The HTTP API shows `vigie_ingest_…` at `/metrics`, and Spark's master, worker and drivers
their own at `/metrics/prometheus/` on the ports of their pages. Where there is a Pushgateway
(`VIGIE_PUSHGATEWAY`), each run of a bounded DAG leaves there `vigie_dag_run_seconds`,
`vigie_dag_run_succeeded` and `vigie_dag_run_timestamp_seconds`, with the label `dag`.

"""
_ALERTS = """\
# Alerts

Written by `vigie metrics generate` from `prometheus/rules/*.yaml`; a test holds both equal. Each
alert has a runbook: what it means, how to see it, what to do. In `prometheus/tests` each of them
fires, and stays quiet just below.

"""


def metrics_page() -> str:
    """`docs/metrics.md`."""
    head = ("metric", "kind", "labels", "source", "what it says")
    rows = (
        (f"`{f.name}`", f.kind, ", ".join(f.labels), f.source, f.help) for f in FAMILIES.values()
    )
    return _METRICS + "".join(_table(head, rows))


def alerts_page(rules: Sequence[Rule]) -> str:
    """`docs/alerts.md`."""
    head = ("alert", "severity", "for", "fires when", "what it says")
    rows = (
        (
            f"[{rule.name}]({rule.runbook.removeprefix('docs/')})",
            rule.severity,
            rule.lasts,
            f"`{rule.expr}`",
            rule.description,
        )
        for rule in rules
    )
    return _ALERTS + "".join(_table(head, rows))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _line(head)
    yield _line(["---"] * len(head))
    for row in rows:
        yield _line([cell.replace("|", "\\|") for cell in row])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
