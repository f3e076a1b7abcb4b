"""Colours that people with any colour vision tell apart (Okabe and Ito), on light and on dark."""

from __future__ import annotations

SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""One for each series of a chart; a chart has no more series than that."""
ACCENT, CONTRAST, QUIET = "#0072B2", "#D55E00", "#8A94A3"

SEVERITY = {"critical": "#D55E00", "warning": "#E69F00", "info": "#56B4E9"}
STATE = {
    "critical": "#D55E00",
    "fault": "#CC79A7",
    "warning": "#E69F00",
    "info": "#56B4E9",
    "ok": "#009E73",
    "silent": "#8A94A3",
}
"""By what a sensor is in, the worst first."""
SHAPE = {
    "critical": "triangle-up",
    "fault": "cross",
    "warning": "diamond",
    "info": "triangle-right",
    "ok": "circle",
    "silent": "square",
}
"""A state is told by shape as well as by colour."""
