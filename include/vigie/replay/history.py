"""Files of real measurements as the history a model is judged on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from vigie.contract.feed import Feed
from vigie.errors import RecipeError
from vigie.modelling.readings import Names, Readings
from vigie.replay.read import read_file
from vigie.replay.recipe import Recipe
from vigie.replay.recipes import choose_recipe


@dataclass(frozen=True)
class History:
    """Readings in the order of event time, with the month and the file of each."""

    readings: Readings
    months: Names
    files: Names
    begins: dict[str, np.datetime64]
    """When each file begins, by its name, the earliest first."""

    def begin(self, wanted: str) -> np.datetime64:
        """The moment a file begins, named as it was given or by name; or a time in ISO 8601 (UTC).

        Raises:
            RecipeError: It is neither.
        """
        name = Path(wanted).name
        if name in self.begins:
            return self.begins[name]
        try:
            moment = datetime.fromisoformat(wanted)
        except ValueError as error:
            raise RecipeError(
                f"{wanted!r}: neither one of the files ({', '.join(self.begins)}) "
                "nor a time such as 2013-10-01"
            ) from error
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        return np.datetime64(moment, "ms")


def read_history(feed: Feed, files: Sequence[Path], *, recipe: str | None = None) -> History:
    """Read files by their recipes.

    Files without times count their rows, so that what is missing between two of them is unknown:
    their rows run on through all files without a gap, and a month is a twelfth of a file's rows.

    Raises:
        RecipeError: A file cannot be read, two have the same name, or only some have times.
    """
    recipes = [choose_recipe(feed, path, name=recipe) for path in files]
    frames = [_labelled(path, by, feed) for path, by in zip(files, recipes, strict=True)]
    names = [path.name for path in files]
    if len(set(names)) < len(names):
        raise RecipeError(f"files {', '.join(names)}: a name stands there twice")
    frames.sort(key=lambda frame: frame["event_time"].iloc[0])
    steps = {by.time.step if _is_counted(by) else None for by in recipes}
    if len(steps) > 1:
        raise RecipeError(
            f"files {', '.join(names)}: some have times and some count their rows, or in other "
            "steps; give them apart"
        )
    together = pd.concat(frames, ignore_index=True)
    (step,) = steps
    if step is not None:
        start = together["event_time"].iloc[0]
        together["event_time"] = pd.date_range(start, periods=len(together), freq=step)
    together = together.sort_values("event_time", kind="stable", ignore_index=True)
    times = together["event_time"].dt.tz_localize(None).to_numpy("datetime64[ms]")
    owners = together["file"].to_numpy(str)
    return History(
        readings=Readings(
            together["sensor"].to_numpy(str),
            times,
            {name: _numbers(together, name) for name in feed.fields if name in together},
        ),
        months=together["month"].to_numpy(str),
        files=owners,
        begins={
            frame["file"].iloc[0]: times[owners == frame["file"].iloc[0]].min() for frame in frames
        },
    )


def _is_counted(recipe: Recipe) -> bool:
    return not recipe.time.columns


def _labelled(path: Path, recipe: Recipe, feed: Feed) -> pd.DataFrame:
    frame = read_file(path, recipe, feed)
    if frame.empty:
        raise RecipeError(f"{path}: found no rows, expected readings of feed {feed.name}")
    if _is_counted(recipe):
        twelfths = np.arange(len(frame)) * 12 // len(frame) + 1
        months = [f"{path.name} {number:02}" for number in twelfths]
    else:
        months = frame["event_time"].dt.strftime("%Y-%m").tolist()
    return frame.assign(month=months, file=path.name)


def _numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    return frame[name].to_numpy(float, na_value=np.nan)
