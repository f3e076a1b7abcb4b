"""A fit as a file: written by skops, and read only if we pinned its bytes and know its types."""

from __future__ import annotations

from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, BadZipFile

import numpy as np

from vigie.errors import ModelError

if TYPE_CHECKING:
    # It brings scikit-learn, which takes seconds that who only looks should not wait for.
    from vigie.modelling.train import Fit

ALLOWED = (
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.gaussian_process.kernels.RBF",
    "sklearn.gaussian_process.kernels.Sum",
    "sklearn.gaussian_process.kernels.WhiteKernel",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "vigie.modelling.on_newest.OnNewest",
    "vigie.modelling.on_residual.OnResidual",
)
"""Types a file may hold beside those skops trusts by itself: scikit-learn's estimators, numpy's
arrays, Python's plain values. A new estimator's types are added here by hand, never by a file."""


def save_fit(fit: Fit, path: Path) -> str:
    """Write a fit, compressed, and return the SHA-256 of the file."""
    import skops.io

    kept = {
        "estimator": fit.estimator,
        "begin": str(fit.begin),
        "end": str(fit.end),
        "rows": int(fit.rows),
        "features": list(fit.features),
    }
    # Level 1 takes half the time of the usual one, for a file that is a twentieth larger.
    skops.io.dump(kept, path, compression=ZIP_DEFLATED, compresslevel=1)
    return fingerprint(path)


def fingerprint(path: Path) -> str:
    """The SHA-256 of a file, as hexadecimal."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def read_fit(path: Path, *, sha256: str, of: str) -> Fit:
    """Read a fit; `of` names it in errors. Nothing of the file runs before both checks passed.

    Raises:
        ModelError: The bytes are not those that were pinned, a type is not on our list, or the
            file cannot be read.
    """
    # Here, since scikit-learn takes seconds that not every reader of this module needs.
    import skops.io

    try:
        found = fingerprint(path)
        if found != sha256:
            raise ModelError(
                f"{of}: {path.name} was changed: its SHA-256 is {found[:12]}…, pinned is "
                f"{sha256[:12]}…; it was not loaded. Return to another version "
                "(`vigie model return`) or train anew (`vigie model train`)"
            )
        unknown = sorted(set(skops.io.get_untrusted_types(file=path)) - set(ALLOWED))
        if unknown:
            raise ModelError(
                f"{of}: {path.name} holds {', '.join(unknown)}, not on our list of types; it was "
                "not loaded. If an estimator of ours needs them, add them to "
                "vigie.modelling.stored_fit.ALLOWED"
            )
        kept = skops.io.load(path, trusted=list(ALLOWED))
        return _fit(kept)
    except ModelError:
        raise
    # A file that some other program wrote can be wrong in any way.
    except (BadZipFile, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{of}: {path.name} cannot be read as a fit: {error!r}") from error


def _fit(kept: Any) -> Fit:
    from vigie.modelling.train import Fit

    return Fit(
        estimator=kept["estimator"],
        begin=np.datetime64(kept["begin"], "ms"),
        end=np.datetime64(kept["end"], "ms"),
        rows=kept["rows"],
        features=tuple(kept.get("features", ())),
    )
