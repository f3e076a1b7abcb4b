"""Times as a person types them: how long ago, or in ISO 8601."""

from __future__ import annotations

from datetime import UTC, datetime

import typer
from pydantic_core import PydanticCustomError

from vigie.contract.durations import parse_duration

HELP = 'Such as "2 hours", or a time with offset in ISO 8601.'


def moment(text: str, option: str) -> datetime:
    """Read a time.

    Raises:
        typer.BadParameter: It is neither; the message names the option.
    """
    try:
        return datetime.now(UTC) - parse_duration(text)
    except PydanticCustomError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        message = f'{text!r} is neither a duration such as "2 hours" nor a time in ISO 8601'
        raise typer.BadParameter(message, param_hint=option) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
