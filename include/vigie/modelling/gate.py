"""Whether a challenger becomes champion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vigie.modelling.dataset import Dataset
from vigie.modelling.learned import LearnedModel
from vigie.modelling.train import Challenger, Fit, challenge, fit

TOLERANCE = 2.0
"""A challenger passes up to so many times the champion's error.

Wide, since neither fit knows the newest week: when the world changes their errors on it differ by
luck, and who has begun to learn the change must not be held back. It stops what spoiled data made
(docs/adr/0020-a-gate-of-two-fits.md).
"""
LEAST_SPAN = 0.1
"""What passes is fitted again on rows that span at least this share of what was judged.

A sensor that begins to report every few seconds fills the newest rows with hours where they were
months: nobody would have judged that fit.
"""


@dataclass(frozen=True)
class Champion:
    """The model in use, and the fit that won it its place.

    `live` was fitted on everything known at promotion. It has seen part of any week that judges a
    challenger, so `judged`, its fit without its own newest week, stands in for it there.
    """

    live: Fit
    judged: Fit


@dataclass(frozen=True)
class Verdict:
    """Mean absolute errors on the held-back week, in the target's unit, and what follows."""

    passed: bool
    reason: str
    challenger: float
    champion: float | None


def retrain(
    model: LearnedModel, known: Dataset, champion: Champion | None
) -> tuple[Champion, Verdict]:
    """Train a challenger on the `known` rows; who is champion then, and why.

    Raises:
        ModelError: There are too few rows to train on.
    """
    challenger = challenge(model, known)
    verdict = judge(challenger, champion)
    if champion is not None and not verdict.passed:
        return champion, verdict
    return promote(model, challenger, known), verdict


def judge(challenger: Challenger, champion: Champion | None) -> Verdict:
    """Compare on the newest held-back week, which neither of the two fits has seen.

    The first challenger has nothing to be compared with, and passes; so does one whose champion
    cannot predict: that must not keep a new model from taking its place.
    """
    own = _error(challenger.judged, challenger.week)
    if champion is None:
        return Verdict(True, f"there is no champion; error {own:.4g}", own, None)
    try:
        other = _error(champion.judged, challenger.week)
    except Exception as error:
        return Verdict(True, f"the champion cannot predict ({error!r}); error {own:.4g}", own, None)
    span = challenger.judged.end - challenger.judged.begin
    if challenger.promised < LEAST_SPAN * span:
        reason = (
            f"fitted again it would know {_hours(challenger.promised)} alone, and what was judged "
            f"knows {_hours(span)}: the newest rows lie much closer than those before"
        )
        return Verdict(False, reason, own, other)
    passed = own <= TOLERANCE * other
    word = "is" if passed else "is not"
    reason = (
        f"error {own:.4g} {word} within {TOLERANCE} times the champion's {other:.4g} "
        "on the newest week"
    )
    return Verdict(passed, reason, own, other)


def promote(model: LearnedModel, challenger: Challenger, known: Dataset) -> Champion:
    """Fit again with the same settings on everything known up to now, the week included."""
    return Champion(live=fit(model, known), judged=challenger.judged)


def _hours(span: np.timedelta64) -> str:
    return f"{span / np.timedelta64(1, 'h'):.0f} hours"


def _error(of: Fit, week: Dataset) -> float:
    return float(np.mean(np.abs(of.estimator.predict(week.features) - week.target)))
