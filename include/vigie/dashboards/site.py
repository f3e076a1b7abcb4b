"""The pages as an ASGI application: `uvicorn vigie.dashboards.site:app`.

Streamlit's settings stand in `.streamlit/config.toml` beside the script that it runs.
"""

from __future__ import annotations

import re
from pathlib import Path

import streamlit
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.starlette import App

# Not used here: else whoever opens the first page waits until it is loaded.
from vigie.dashboards.screens import navigation as navigation
from vigie.http_guard import SELF, Guard, hash_of, policy

_SHELL = Path(streamlit.__file__).parent / "static" / "index.html"
# Without the first, Streamlit looks for its server below the page's own address before anything
# else, in vain; without the second, what is drawn again every few seconds fades
# each time, and a button to stop it comes and goes.
_ADDED = (
    "<script>window.__streamlit = {BACKEND_BASE_URL: window.location.origin}</script>"
    "<style>[data-stale] {opacity: 1 !important; transition: none !important} "
    "[data-testid=stStatusWidget] {display: none}</style>"
)
_HTML = _SHELL.read_text("utf-8").replace("</head>", f"{_ADDED}</head>", 1)
_INLINE = " ".join(hash_of(found) for found in re.findall(r"<script>(.*?)</script>", _HTML, re.S))
# Charts are drawn by functions that Vega makes of their expressions, styles put in by Streamlit.
_SOURCES = {
    "script-src": f"{SELF} 'unsafe-eval' {_INLINE}",
    "style-src": f"{SELF} 'unsafe-inline'",
    "img-src": f"{SELF} data: blob:",
    "font-src": f"{SELF} data:",
    "connect-src": SELF,
    "worker-src": f"{SELF} blob:",
}
_HEADERS = {"": policy(_SOURCES), "/static": policy(_SOURCES, kept=True)}


class Shell:
    """Answers every look at a page's address with the shell that loads Streamlit."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._answer = HTMLResponse(_HTML)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or leave it to Streamlit."""
        asks = scope["type"] == "http" and "text/html" in Headers(scope=scope).get("accept", "")
        await (self._answer if asks else self._app)(scope, receive, send)


_MIDDLEWARE = [Middleware(Guard, policies=_HEADERS), Middleware(Shell)]
app = App(Path(__file__).with_name("app.py"), middleware=_MIDDLEWARE)
