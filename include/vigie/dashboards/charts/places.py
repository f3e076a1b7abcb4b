"""Where sensors are and what state each is in, drawn without a base map: nothing is loaded."""

from __future__ import annotations

import math

import altair as alt
import pandas as pd

from vigie.dashboards.charts.palette import SHAPE, STATE

_HEIGHT = 420


def draw_places(sensors: pd.DataFrame, tooltips: list[alt.Tooltip]) -> alt.Chart:
    """The sensors by `longitude` and `latitude`, with colour and shape of their `state`.

    Both axes have one scale: a degree of longitude is as much shorter as it is at that latitude.
    """
    placed = sensors.dropna(subset=["latitude", "longitude"])
    west_east, south_north = _bounds(placed)
    states = [state for state in STATE if (placed["state"] == state).any()]
    point = "state:N"
    drawn: alt.Chart = (
        alt.Chart(placed, height=_HEIGHT)
        .mark_point(filled=True, size=110, opacity=0.9)
        .encode(
            x=_axis("longitude:Q", "longitude (°)", west_east),
            y=_axis("latitude:Q", "latitude (°)", south_north),
            color=alt.Color(
                point,
                title=None,
                scale=alt.Scale(domain=states, range=[STATE[state] for state in states]),
                legend=alt.Legend(orient="top"),
            ),
            shape=alt.Shape(
                point,
                title=None,
                scale=alt.Scale(domain=states, range=[SHAPE[state] for state in states]),
            ),
            tooltip=tooltips,
        )
    )
    return drawn


def _axis(where: str, title: str, bounds: tuple[float, float]) -> alt.X | alt.Y:
    kind = alt.X if where.startswith("longitude") else alt.Y
    return kind(
        where, title=title, scale=alt.Scale(domain=bounds, nice=False), axis=alt.Axis(tickCount=6)
    )


def _bounds(placed: pd.DataFrame) -> tuple[tuple[float, float], tuple[float, float]]:
    """West and east, south and north, so that a kilometre is about as long on both axes."""
    middle = [(placed[axis].min() + placed[axis].max()) / 2 for axis in ("longitude", "latitude")]
    shrunk = max(math.cos(math.radians(middle[1])), 0.05)
    half = max(
        (placed["longitude"].max() - placed["longitude"].min()) * shrunk,
        placed["latitude"].max() - placed["latitude"].min(),
        0.01,
    )
    # Half of the range and a tenth of it as margin; drawn about twice as wide as high.
    half *= 0.6
    wide = 1.6 * half / shrunk
    return (middle[0] - wide, middle[0] + wide), (middle[1] - half, middle[1] + half)
