"""Whether a part of the stack that speaks HTTP answers."""

from __future__ import annotations

from functools import cache

import httpx


def answers(url: str) -> bool:
    """Whether a look at the address succeeds within two seconds."""
    try:
        return _client().get(url).is_success
    except httpx.HTTPError:
        return False


@cache
def _client() -> httpx.Client:
    """One for all requests: each new one would read the certificates, 80 ms of CPU."""
    return httpx.Client(timeout=2)
