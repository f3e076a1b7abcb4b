"""What each HTTP application of Vigie's puts around itself: headers, and a limit of bodies.

Nothing that is answered may be kept, framed by another site, or taken for another type than it has.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, cast

from secure import (
    CacheControl,
    ContentSecurityPolicy,
    ReferrerPolicy,
    Secure,
    XContentTypeOptions,
    XFrameOptions,
)
from secure.middleware import SecureASGIMiddleware
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NONE, SELF = "'none'", "'self'"


def policy(
    sources: Mapping[str, str] | None = None, *, framed: bool = False, kept: bool = False
) -> Secure:
    """The headers of one kind of answer.

    Args:
        sources: Where a page may load from, by directive of its content security policy such as
            `img-src`; anything else from nowhere.
        framed: Whether a page of the same origin may frame it.
        kept: Whether the application itself says how long an answer may be kept.
    """
    csp = ContentSecurityPolicy().default_src(NONE).base_uri(NONE).form_action(NONE)
    csp.frame_ancestors(SELF if framed else NONE)
    for directive, allowed in (sources or {}).items():
        csp.custom_directive(directive, *allowed.split())
    frames = XFrameOptions()
    return Secure(
        csp=csp,
        cache=None if kept else CacheControl().no_store(),
        referrer=ReferrerPolicy().same_origin(),
        xcto=XContentTypeOptions().nosniff(),
        xfo=frames.sameorigin() if framed else frames.deny(),
    )


DATA = policy()
"""For answers that are no pages."""


def hash_of(script: str) -> str:
    """By which a policy lets a script run that stands in the page itself."""
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"


class Guard:
    """Adds to each answer the headers of the longest path that it is under; `""` is every path."""

    def __init__(self, app: ASGIApp, policies: Mapping[str, Secure]) -> None:
        self._apps = [
            (path, SecureASGIMiddleware(app, secure=policies[path]))
            for path in sorted(policies, key=len, reverse=True)
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with them."""
        asked = scope.get("path", "")
        guarded = next(app for path, app in self._apps if asked.startswith(path))
        await guarded(scope, cast(Any, receive), cast(Any, send))


class SmallBodies:
    """Answers 413 to a request whose body is larger than `largest` bytes, before it was read.

    FastAPI takes a body whole before it asks who sent it.
    """

    def __init__(self, app: ASGIApp, largest: int) -> None:
        self._app, self._largest = app, largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what comes."""
        left = self._largest

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413, f"at most {self._largest} bytes are taken at once")
            return message

        await self._app(scope, counted, send)
