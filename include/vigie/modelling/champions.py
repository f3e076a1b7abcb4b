"""Who is champion: promoting a challenger, turning it down, and returning to the one before.

Each is an alias in the registry and a row of `ops.model_event`, written together: the row is
committed once the aliases are set. What broke off in between is finished by the next call.
"""

from __future__ import annotations

from vigie.errors import ModelError
from vigie.modelling.register import open_client, set_aliases
from vigie.modelling.registry import CHALLENGER, CHAMPION, PREVIOUS, find_aliases
from vigie.modelling.versions import SYSTEM, find_pinned, last_champion, record_event
from vigie.warehouse.engines import get_engine


def promote_challenger(
    model: str, version: int, *, person: str = SYSTEM, reason: str = "it passed the gate"
) -> None:
    """Make a challenger champion; the champion until now becomes `previous`.

    A second call for the same version does nothing, or what the first did not come to.

    Raises:
        ModelError: It is not the challenger: a later training took its place.
        RegistryAway: MLflow does not answer; the champion stays.
    """
    aliases = find_aliases(model)
    champion, challenger = aliases.get(CHAMPION), aliases.get(CHALLENGER)
    if champion != version:
        _require_challenger(model, version, challenger)
    wanted: dict[str, int | None] = {CHAMPION: version}
    if champion not in (None, version):
        wanted = {PREVIOUS: champion, **wanted}
    with open_client() as client:
        with get_engine().begin() as connection:
            told = last_champion(connection, model)
            if champion != version or told is None or told.version != version:
                record_event(connection, model, "promoted", reason, version=version, person=person)
            set_aliases(client, model, wanted)
        # Last, so that a champion which still has it is one whose promotion broke off.
        if challenger == version:
            set_aliases(client, model, {CHALLENGER: None})


def decline_challenger(
    model: str, version: int, *, person: str, reason: str = "a person turned it down"
) -> None:
    """Leave the champion as it is, and the challenger as a version without an alias.

    Raises:
        ModelError: It is not the challenger.
        RegistryAway: MLflow does not answer.
    """
    _require_challenger(model, version, find_aliases(model).get(CHALLENGER))
    with open_client() as client, get_engine().begin() as connection:
        record_event(connection, model, "declined", reason, version=version, person=person)
        set_aliases(client, model, {CHALLENGER: None})


def return_to_previous(model: str, *, person: str = SYSTEM, reason: str) -> int:
    """Exchange champion and `previous`; returns the version that is champion now.

    Doing so twice is doing nothing; one that broke off is finished. Streams take it over within
    seconds.

    Raises:
        ModelError: There is no previous version, or it is not one of ours.
        RegistryAway: MLflow does not answer; the champion stays.
    """
    aliases = find_aliases(model)
    champion, previous = aliases.get(CHAMPION), aliases.get(PREVIOUS)
    with get_engine().connect() as connection:
        told = last_champion(connection, model)
    if (
        told is not None
        and told.version != champion != aliases.get(CHALLENGER)
        and previous in (champion, told.version)
    ):
        # An exchange of which nobody was told: beginning anew would turn it round.
        champion, previous = told.version, champion
    if previous is None:
        raise ModelError(
            f"model {model}: there is no previous version to return to; "
            f"`vigie model list` shows what there is, `vigie model train {model}` makes a new one"
        )
    with open_client() as client, get_engine().begin() as connection:
        if find_pinned(connection, model, previous) is None:
            raise ModelError(
                f"model {model}: version {previous} was not registered by Vigie; it stays unused"
            )
        record_event(connection, model, "returned", reason, version=previous, person=person)
        set_aliases(client, model, {CHAMPION: previous, PREVIOUS: champion})
    return previous


def _require_challenger(model: str, version: int, challenger: int | None) -> None:
    if challenger != version:
        found = "none" if challenger is None else f"version {challenger}"
        raise ModelError(
            f"model {model}: version {version} is not the challenger; found {found}. A later "
            "training took its place, or it was decided already: see `vigie model history`"
        )
