"""Finds the recipe for a file."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from vigie.contract.feed import Feed
from vigie.contract.yaml_files import load_yaml
from vigie.errors import RecipeError
from vigie.replay.checks import cross_checks
from vigie.replay.recipe import Recipe
from vigie.settings import get_settings

_ADAPTER = TypeAdapter(Recipe)


@cache
def load_recipes(folder: Path | None = None) -> dict[str, Recipe]:
    """Load every recipe of `folder` (`replay` beside the contracts by default), by file stem.

    Raises:
        RecipeError: A file is wrong; the message names all faults of the first such file.
    """
    folder = folder or get_settings().feeds / "replay"
    return {path.stem: load_recipe(path) for path in sorted(folder.glob("*.yaml"))}


def load_recipe(path: Path) -> Recipe:
    """Load one recipe file.

    Raises:
        RecipeError: The message lists every fault: key, found, expected.
    """
    return load_yaml(path, _ADAPTER, checks=cross_checks, error=RecipeError)


def recipes_of(feed: Feed) -> dict[str, Recipe]:
    """The recipes that read files of the feed.

    Raises:
        RecipeError: A recipe's file is wrong.
    """
    return {key: recipe for key, recipe in load_recipes().items() if recipe.feed == feed.name}


def choose_recipe(feed: Feed, file: Path, *, name: str | None = None) -> Recipe:
    """The recipe called `name`, else the one of the feed that reads files named like `file`.

    Raises:
        RecipeError: No recipe, or more than one, fits.
    """
    own = recipes_of(feed)
    known = ", ".join(f"{key} ({', '.join(own[key].files)})" for key in own) or "none"
    if name is not None:
        if name not in own:
            raise RecipeError(
                f"recipe {name!r}: feed {feed.name} has no such recipe; it has: {known}"
            )
        return own[name]
    fitting = [key for key, recipe in own.items() if recipe.reads(file.name)]
    if len(fitting) != 1:
        raise RecipeError(
            f"{file}: {len(fitting)} recipes of feed {feed.name} read files of this name, "
            f"expected one; name one with --recipe. Recipes: {known}"
        )
    return own[fitting[0]]
