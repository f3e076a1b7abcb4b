"""What breaks off on the way to another champion is finished by the next call."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from mlflow import MlflowClient

from tests.registry.test_registry import publish
from vigie.errors import RegistryAway
from vigie.modelling import champions
from vigie.modelling.champions import promote_challenger, return_to_previous
from vigie.modelling.gate import Champion
from vigie.modelling.register import begin_run, open_client, register, set_aliases
from vigie.modelling.registry import find_aliases
from vigie.modelling.versions import Release, recent_events, record_event
from vigie.warehouse.engines import get_engine

pytestmark = pytest.mark.warehouse


class Breaking:
    """Sets some aliases and breaks off; what was to be committed with the last of them is not."""

    def __init__(self, after: int) -> None:
        self._left = after

    def __call__(self, client: MlflowClient, model: str, wanted: Mapping[str, int | None]) -> None:
        for alias, version in wanted.items():
            self._break_off()
            set_aliases(client, model, {alias: version})
            self._left -= 1
        self._break_off()

    def _break_off(self) -> None:
        if not self._left:
            raise RegistryAway("broken off by the test")


@pytest.fixture
def versions(registry: str, name: str, small: Champion) -> tuple[Release, Release]:
    """A champion of which the warehouse knows, and a challenger."""
    first, second = publish(name, small), publish(name, small)
    with open_client() as client:
        set_aliases(client, name, {"champion": first.version, "challenger": second.version})
    with get_engine().begin() as connection:
        record_event(connection, name, "promoted", "a test", version=first.version)
    return first, second


def told(name: str) -> list[tuple[str, int | None]]:
    with get_engine().connect() as connection:
        return [(each.kind, each.version) for each in recent_events(connection, name, limit=9)]


@pytest.mark.parametrize("after", range(4))
def test_a_promotion_that_broke_off(
    versions: tuple[Release, Release], name: str, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    first, second = (release.version for release in versions)
    with monkeypatch.context() as broken:
        broken.setattr(champions, "set_aliases", Breaking(after))
        with pytest.raises(RegistryAway, match="broken off"):
            promote_challenger(name, second)

    for _ in range(2):
        promote_challenger(name, second)

    assert find_aliases(name) == {"champion": second, "previous": first}
    assert told(name) == [("promoted", first), ("promoted", second)]


def test_a_promotion_that_is_finished_leaves_the_next_challenger(
    versions: tuple[Release, Release], name: str, small: Champion, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (release.version for release in versions)
    with monkeypatch.context() as broken:
        broken.setattr(champions, "set_aliases", Breaking(2))
        with pytest.raises(RegistryAway, match="broken off"):
            promote_challenger(name, second)
    with open_client() as client:
        third = register(client, name, begin_run(client, name, {}), small).version
        set_aliases(client, name, {"challenger": third})

    promote_challenger(name, second)

    assert find_aliases(name) == {"champion": second, "previous": first, "challenger": third}
    assert told(name)[-1] == ("promoted", second)


@pytest.mark.parametrize("after", range(3))
def test_a_return_that_broke_off(
    versions: tuple[Release, Release], name: str, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    first, second = (release.version for release in versions)
    promote_challenger(name, second)
    with monkeypatch.context() as broken:
        broken.setattr(champions, "set_aliases", Breaking(after))
        with pytest.raises(RegistryAway, match="broken off"):
            return_to_previous(name, reason="a test")

    assert return_to_previous(name, reason="a test") == first
    assert find_aliases(name) == {"champion": first, "previous": second}
    assert told(name)[2:] == [("returned", first)]
    assert return_to_previous(name, reason="a test") == second


def test_after_a_promotion_that_broke_off_one_can_return(
    versions: tuple[Release, Release], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (release.version for release in versions)
    with monkeypatch.context() as broken:
        broken.setattr(champions, "set_aliases", Breaking(2))
        with pytest.raises(RegistryAway, match="broken off"):
            promote_challenger(name, second)

    assert return_to_previous(name, reason="a test") == first
