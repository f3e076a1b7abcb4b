"""What the API answers."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi.responses import JSONResponse
from pydantic import BaseModel

Answer = JSONResponse


class Rejected(BaseModel):
    """A reading that was refused: its place in the request, and why."""

    index: int
    field: str
    reason: str


class Accepted(BaseModel):
    """How many readings Kafka has, and which were refused."""

    accepted: int
    rejected: list[Rejected]


class Refused(BaseModel):
    """No reading was taken."""

    detail: str
    rejected: list[Rejected]


def refuse(code: int, detail: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer that takes nothing and says why."""
    return JSONResponse({"detail": detail}, code, dict(headers or {}))
