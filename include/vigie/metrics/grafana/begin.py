"""What all dashboards share: how they begin, and the expressions that come again."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as parts

from vigie.metrics.grafana.panels import BAD, COLOURS, GOOD, WARNING
from vigie.supervision.states import State

_TAG = "vigie"
_COLOUR_OF_STATE = {
    State.RUNNING: GOOD,
    State.STARTING: COLOURS[4],
    State.STOPPING: COLOURS[4],
    State.STOPPED: COLOURS[7],
    State.WAITING: WARNING,
    State.STALLED: BAD,
    State.DEAD: BAD,
    State.BLOCKED: COLOURS[3],
    State.UNKNOWN: COLOURS[6],
}
STATES = {n: (str(state), _COLOUR_OF_STATE[state]) for n, state in enumerate(State, 1)}
"""The place of each state in the list of all, with its word and colour."""
SINCE = "time() - "
"""How long ago the moment is that follows."""


def rate(name: str, by: str = "feed", where: str = "") -> str:
    """A counter's growth a second."""
    return f"sum by ({by}) (rate({name}{where}[$__rate_interval]))"


def state(where: str = "") -> str:
    """The state as its place in the list of all: of the series of a stream, one is 1."""
    each = (
        f'vigie_stream_state{{state="{word}"{where}}} * {number}'
        for number, (word, _) in STATES.items()
    )
    return f"sum by (feed) ({' or '.join(each)})"


def begin(uid: str, title: str, description: str) -> dashboard.Dashboard:
    """An empty dashboard, with links to the others."""
    others = dashboard.DashboardLink("Vigie").type(parts.DashboardLinkType.DASHBOARDS)
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([_TAG])
        .readonly()
        .timezone("utc")
        .refresh("15s")
        .time("now-3h", "now")
        .tooltip(parts.DashboardCursorSync.CROSSHAIR)
        .link(others.tags([_TAG]).keep_time(True).include_vars(True))
    )
