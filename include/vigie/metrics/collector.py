"""Makes Prometheus' families from what the sources say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from vigie.metrics.catalogue import FAMILIES, Family
from vigie.metrics.sources import Answer, Panel, Sample, Source

Made = CounterMetricFamily | GaugeMetricFamily


class VigieCollector(Collector):
    """One pass over all sources for each scrape; a part that is away is a 0 in `source_up`."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._panel = Panel(sources)

    def describe(self) -> list[Metric]:
        """Nothing: a registry would otherwise collect once to learn the names."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The families of the catalogue that have a value now."""
        answers = self._panel.ask()
        samples = [sample for answer in answers.values() for sample in answer.samples or ()]
        made: dict[str, Made] = {}
        for sample in [*samples, *_of_themselves(answers)]:
            if sample.name not in made:
                made[sample.name] = _empty(FAMILIES[sample.name])
            made[sample.name].add_metric(sample.labels, sample.value)
        yield from (made[name] for name in FAMILIES if name in made)

    def close(self) -> None:
        """Ask no more."""
        self._panel.close()


def _of_themselves(answers: dict[str, Answer]) -> Iterator[Sample]:
    for name, answer in answers.items():
        yield Sample("vigie_exporter_source_up", (name,), float(answer.samples is not None))
        yield Sample("vigie_exporter_source_seconds", (name,), answer.seconds)


def _empty(family: Family) -> Made:
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    return kind(family.name, family.help, labels=family.labels)
