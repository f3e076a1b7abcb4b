"""Panels in the few shapes our dashboards use, in colours that everybody can tell apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, statetimeline
from grafana_foundation_sdk.builders import timeseries as graph
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as parts

P = TypeVar("P", stat.Panel, graph.Panel, statetimeline.Panel)

SOURCE = parts.DataSourceRef(type_val="prometheus", uid="vigie-prometheus")
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")
"""Okabe and Ito's palette, which colour-blind people can tell apart."""
GOOD, WARNING, BAD = COLOURS[0], COLOURS[1], COLOURS[5]
_WIDE, _NARROW, _TALL, _LOW = 8, 4, 8, 4


@dataclass(frozen=True)
class Query:
    """PromQL and what its series are called."""

    expr: str
    legend: str = "{{feed}}"


@dataclass(frozen=True)
class Told:
    """What stands at a panel: title, what it means, unit of Grafana's, and the alert's runbook.

    `levels` are from where a value is a warning and from where it is bad; the other way round where
    the second is the lower one.
    """

    title: str
    description: str
    unit: str = "short"
    alert: str = ""
    levels: tuple[float, float] | None = None


def series(told: Told, *queries: Query, colours: Mapping[str, str]) -> graph.Panel:
    """Lines over time; `colours` gives a series of that name its own."""
    panel = _begun(graph.Panel(), told, queries, _WIDE, _TALL)
    panel = panel.line_width(2).fill_opacity(0).span_nulls(False)
    panel = panel.legend(
        common.VizLegendOptions()
        .display_mode(kinds.LegendDisplayMode.LIST)
        .placement(kinds.LegendPlacement.BOTTOM)
        .show_legend(True)
    ).tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI))
    if told.levels:
        style = common.GraphThresholdsStyleConfig().mode(kinds.GraphThresholdsStyleMode.DASHED)
        panel = panel.thresholds_style(style)
    for name, colour in colours.items():
        fixed = {"mode": "fixed", "fixedColor": colour}
        panel = panel.override_by_regexp(
            f"/^{name}( .*)?$/", [parts.DynamicConfigValue(id_val="color", value=fixed)]
        )
    return panel


def number(told: Told, *queries: Query, wide: int = _NARROW) -> stat.Panel:
    """The newest values as large figures, coloured by their level."""
    panel = _begun(stat.Panel(), told, queries, wide, _LOW)
    last = common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False)
    return panel.reduce_options(last).graph_mode(kinds.BigValueGraphMode.NONE)


def words(told: Told, query: Query, named: Mapping[int, tuple[str, str]]) -> statetimeline.Panel:
    """A band over time for each series; `named` has the word and colour of each value."""
    panel = _begun(statetimeline.Panel(), told, [query], 24, _TALL)
    options: dict[str, Any] = {
        str(value): parts.ValueMappingResult(text=text, color=colour, index=value)
        for value, (text, colour) in named.items()
    }
    return panel.show_value(kinds.VisibilityMode.AUTO).mappings([parts.ValueMap(options=options)])


def row(title: str) -> dashboard.Row:
    """A heading over the panels that follow."""
    return dashboard.Row(title)


def _begun(panel: P, told: Told, queries: Sequence[Query], wide: int, tall: int) -> P:
    text = told.description
    if told.alert:
        text += f" Alert: {told.alert}, see docs/runbooks/{told.alert}.md."
        url = f"/public/runbooks/{told.alert}.md"
        panel = panel.links([_link(f"Runbook: {told.alert}").url(url).target_blank(True)])
    panel = panel.title(told.title).description(text).unit(told.unit).datasource(SOURCE)
    for query, letter in zip(queries, "ABCDEF", strict=False):
        asked = prometheus.Dataquery().expr(query.expr).legend_format(query.legend)
        panel = panel.with_target(asked.ref_id(letter).datasource(SOURCE).range())
    scheme = dashboard.FieldColor().mode(parts.FieldColorModeId.PALETTE_CLASSIC)
    if told.levels:
        panel = panel.thresholds(_thresholds(*told.levels))
        if not isinstance(panel, graph.Panel):
            scheme = dashboard.FieldColor().mode(parts.FieldColorModeId.THRESHOLDS)
    return panel.color_scheme(scheme).span(wide).height(tall)


def _link(title: str) -> dashboard.DashboardLink:
    return dashboard.DashboardLink(title).type(parts.DashboardLinkType.LINK)


def _thresholds(warning: float, bad: float) -> dashboard.ThresholdsConfig:
    upwards = warning < bad
    steps = (
        [(None, GOOD), (warning, WARNING), (bad, BAD)]
        if upwards
        else [(None, BAD), (bad, WARNING), (warning, GOOD)]
    )
    made = [parts.Threshold(value=value, color=colour) for value, colour in steps]
    return dashboard.ThresholdsConfig().mode(parts.ThresholdsMode.ABSOLUTE).steps(made)
