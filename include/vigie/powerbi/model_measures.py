"""How good a model is: the mean of what it said, and its errors, by whatever is looked at."""

from __future__ import annotations

from collections.abc import Iterator

from vigie.contract.feed import Feed, Model
from vigie.powerbi.facts import said_name
from vigie.powerbi.measures import COUNT, SHARE
from vigie.powerbi.tmdl import Measure, quoted

_FINE = "#,0.00"


def model_measures(feed: Feed, model: Model) -> Iterator[Measure]:
    """Errors are taken over the rows that have both a prediction and an actual value.

    Bias is what was predicted less what was true, as everywhere in Vigie.
    """
    said, folder = quoted(said_name(model)), f"models\\{model.name}"
    field = feed.fields[model.target]
    unit = f", {field.unit}" if field.unit else ""
    target = f"{field.description or field.name}{unit}"

    def over(expression: str, rows: str = f"NOT ISBLANK({said}[residual])") -> str:
        return f"AVERAGEX(FILTER({said}, {rows}), {expression})"

    def measure(what: str, dax: str, words: str, shape: str = _FINE) -> Measure:
        return Measure(f"{model.name} {what}", dax, shape, folder, words)

    known = f"COUNTROWS(FILTER({said}, NOT ISBLANK({said}[residual])))"
    yield measure("known", known, "Predictions whose actual value is known", COUNT)
    yield measure("predicted", over(f"{said}[predicted]"), f"{target}: mean of what was predicted")
    yield measure("actual", over(f"{said}[actual]"), f"{target}: mean of what was true")
    yield measure("MAE", over(f"ABS({said}[residual])"), f"Mean absolute error{unit}")
    yield measure(
        "RMSE",
        f"SQRT({over(f'{said}[residual] * {said}[residual]')})",
        f"Root of the mean squared error{unit}",
    )
    yield measure("bias", over(f"-{said}[residual]"), f"Predicted less actual, mean{unit}")
    missing = f"COUNTROWS(FILTER({said}, ISBLANK({said}[predicted])))"
    share = f"DIVIDE({missing}, COUNTROWS({said}))"
    yield measure("unpredicted", share, "Share of rows without a prediction", SHARE)
    if model.scored == "nightly":
        ahead = f"NOT ISBLANK({said}[predicted])"
        words = f"{target}: mean of the forecast, actual known or not"
        yield measure("forecast", over(f"{said}[predicted]", ahead), words)
        both = f"NOT ISBLANK({said}[residual]) && NOT ISBLANK({said}[last_week])"
        naive = over(f"ABS({said}[actual] - {said}[last_week])", both)
        words = f"Mean absolute error of the same half hour a week before{unit}"
        yield measure("last week MAE", naive, words)
