"""The text of a contract to begin a feed with: valid as it stands, its comments teach every key."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from vigie.contract.feed import Identifier
from vigie.errors import ContractError
from vigie.settings import get_settings

_TEMPLATE = files("vigie.contract") / "new_feed.yaml"


def new_contract(name: str, folder: Path | None = None) -> str:
    """The commented contract of a feed named `name`, for a file in `folder` (the feeds setting).

    Raises:
        ContractError: The name is no identifier, or `folder` has a contract of that name.
    """
    try:
        TypeAdapter(Identifier).validate_python(name)
    except ValidationError as error:
        message = (
            f"feed {name!r}: expected a lower-case letter, then at most 39 lower-case letters, "
            "digits and _"
        )
        raise ContractError(message) from error
    path = (folder or get_settings().feeds) / f"{name}.yaml"
    # An empty file is the one that a shell made to receive this text.
    if path.is_file() and path.stat().st_size:
        message = f"feed {name!r}: {path} exists; choose another name, or edit that file"
        raise ContractError(message)
    title = name.replace("_", " ").capitalize()
    return _TEMPLATE.read_text("utf-8").replace("@NAME@", name).replace("@TITLE@", title)
