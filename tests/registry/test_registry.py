from __future__ import annotations

import os
from dataclasses import replace
from errno import ENOSPC
from pathlib import Path

import numpy as np
import pytest
import skops.io
from mlflow.exceptions import MlflowException

from tests.services import environment
from vigie.errors import ModelError, NotCached, RegistryAway
from vigie.modelling.forget_versions import forget_old_versions
from vigie.modelling.gate import Champion
from vigie.modelling.readings import Numbers
from vigie.modelling.register import begin_run, open_client, register, set_aliases
from vigie.modelling.registry import (
    JUDGED_FILE,
    fetch,
    find_aliases,
    find_champion,
    find_release,
    load_fit,
)
from vigie.modelling.stored_fit import fingerprint, save_fit
from vigie.modelling.versions import Release, last_champion, newest_version, record_event
from vigie.warehouse.engines import get_engine

pytestmark = pytest.mark.warehouse

Trained = tuple[Champion, Numbers]


def publish(name: str, champion: Champion) -> Release:
    """Register a champion and give it the alias."""
    with open_client() as client:
        release = register(client, name, begin_run(client, name, {}), champion)
        set_aliases(client, name, {"champion": release.version})
    return release


def test_what_was_registered_predicts_to_the_bit_as_before(
    registry: str, name: str, trained: Trained, tmp_path: Path
) -> None:
    champion, features = trained

    release = publish(name, champion)

    assert find_champion(name) == release
    loaded = load_fit(fetch(release, tmp_path), release)
    expected = champion.live.estimator.predict(features)
    assert np.array_equal(loaded.estimator.predict(features), expected)
    assert (loaded.begin, loaded.end, loaded.rows) == (
        champion.live.begin,
        champion.live.end,
        champion.live.rows,
    )
    judged = find_release(name, "champion", judged=True)
    assert judged is not None
    stand_in = load_fit(fetch(judged, tmp_path, JUDGED_FILE), judged)
    assert stand_in.rows == champion.judged.rows
    expected = champion.judged.estimator.predict(features)
    assert np.array_equal(stand_in.estimator.predict(features), expected)


def test_a_model_nobody_registered_has_no_champion(registry: str, name: str) -> None:
    assert find_champion(name) is None
    assert find_aliases(name) == {}


def test_a_version_without_the_alias_is_no_champion(
    registry: str, name: str, small: Champion
) -> None:
    release = publish(name, small)
    with open_client() as client:
        set_aliases(client, name, {"challenger": release.version, "champion": None})

    assert find_champion(name) is None
    assert find_release(name, "challenger") == release


def test_a_version_that_we_did_not_register_is_refused(
    registry: str, name: str, small: Champion, tmp_path: Path
) -> None:
    publish(name, small)
    with open_client() as client:
        run = begin_run(client, name, {})
        save_fit(small.live, tmp_path / "model.skops")
        client.log_artifact(run, str(tmp_path / "model.skops"), "model")
        source = f"{client.get_run(run).info.artifact_uri}/model"
        foreign = client.create_model_version(name, source, run)
        set_aliases(client, name, {"champion": int(foreign.version)})

    with pytest.raises(ModelError, match="version 2, which the warehouse has no hash for"):
        find_champion(name)


def test_a_file_changed_in_the_registry_is_not_kept(
    registry: str, name: str, small: Champion, tmp_path: Path
) -> None:
    release = publish(name, small)
    other = replace(small, live=replace(small.live, rows=99))
    with open_client() as client:
        run = client.get_model_version(name, str(release.version)).run_id
        save_fit(other.live, tmp_path / "model.skops")
        client.log_artifact(run, str(tmp_path / "model.skops"), "model")

    with pytest.raises(ModelError, match=r"model\.skops in the registry was changed"):
        fetch(release, tmp_path / "cache")

    assert list((tmp_path / "cache").iterdir()) == []


def test_a_disk_without_room_keeps_no_part_of_a_file(
    registry: str, name: str, small: Champion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = publish(name, small)
    left, young = (tmp_path / f"{name}-1-x-model.skops.{ending}" for ending in ("old", "young"))
    for path in (left, young):
        path.touch()
    os.utime(left, (0, 0))

    def fill(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[:10])
        raise OSError(ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", fill)
        with pytest.raises(NotCached, match=rf"model {name} version 1: .* No space left"):
            fetch(release, tmp_path)

    assert [*tmp_path.iterdir()] == [young]
    assert fetch(release, tmp_path).is_file()


def test_a_registry_whose_disk_refuses_is_named(
    registry: str, name: str, small: Champion, tmp_path: Path
) -> None:
    with open_client() as client:
        run = begin_run(client, name, {})
        # As good as a full disk to the server: where a folder must be, there is a file.
        client.log_text(run, "a file", "model")

    with pytest.raises(RegistryAway, match="does not answer, or refused"), open_client() as client:
        client.log_text(run, "a fit", "model/model.skops")


def test_a_file_changed_on_this_machine_is_fetched_again(
    registry: str, name: str, small: Champion, tmp_path: Path
) -> None:
    release = publish(name, small)
    path = fetch(release, tmp_path)
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    with pytest.raises(ModelError, match=rf"model {name} version 1: .* was changed"):
        load_fit(path, release)

    assert fingerprint(fetch(release, tmp_path)) == release.sha256


def test_a_file_with_a_type_not_on_our_list_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    skops.io.dump({"estimator": Path("/"), "begin": "2026", "end": "2026", "rows": 1}, path)

    with pytest.raises(ModelError, match=r"pathlib.*not on our list of types"):
        load_fit(path, Release("any", 1, fingerprint(path)))


@pytest.mark.parametrize("content", [b"", b"not a zip file", b"PK\x03\x04 cut short"])
def test_a_file_that_is_none_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(content)

    with pytest.raises(ModelError, match=r"model any version 1: .* cannot be read"):
        load_fit(path, Release("any", 1, fingerprint(path)))


def test_a_registry_that_is_away_is_told_from_one_that_has_nothing(
    registry: str, name: str, small: Champion, tmp_path: Path
) -> None:
    release = publish(name, small)
    fetch(release, tmp_path)
    for away in ("http://127.0.0.1:1", ""):
        with environment(VIGIE_MLFLOW=away):
            with pytest.raises(RegistryAway, match="registry"):
                find_champion(name)
            with pytest.raises(RegistryAway, match="registry"), open_client() as client:
                begin_run(client, name, {})
            # What this machine has already needs no registry.
            assert load_fit(fetch(release, tmp_path), release).rows == 20


def test_numbers_go_on_where_the_warehouse_ends(registry: str, name: str, small: Champion) -> None:
    first, second = publish(name, small), publish(name, small)
    with open_client() as client:
        client.delete_registered_model(name)
    third = publish(name, small)

    assert [first.version, second.version, third.version] == [1, 2, 3]
    with get_engine().connect() as connection:
        assert newest_version(connection, name) == 3


def test_the_warehouse_knows_the_last_champion_without_the_registry(
    registry: str, name: str, small: Champion
) -> None:
    first, second = publish(name, small), publish(name, small)
    with get_engine().begin() as connection:
        assert last_champion(connection, name) is None
        for kind, release in (("promoted", first), ("promoted", second), ("returned", first)):
            record_event(connection, name, kind, "a test", version=release.version)
        record_event(connection, name, "refused", "a test", error=2.0, champion_error=1.0)
        assert last_champion(connection, name) == first


def test_old_versions_leave_the_registry_unless_they_have_an_alias(
    registry: str, name: str, small: Champion, tmp_path: Path
) -> None:
    releases = [publish(name, small) for _ in range(8)]
    with open_client() as client:
        set_aliases(client, name, {"previous": 1})
        runs = [client.get_model_version(name, str(number)).run_id for number in (2, 4)]

        assert forget_old_versions(client, name) == [2, 3]
        assert forget_old_versions(client, name) == []
        left = {int(each.version) for each in client.search_model_versions(f"name='{name}'")}

        counts = [len(client.list_artifacts(run, "model")) for run in runs]

    assert left == {1, *range(4, 9)}
    assert counts == [0, 2]
    assert fetch(releases[0], tmp_path).is_file()
    with pytest.raises(ModelError, match=r"version 2: the registry has no model\.skops of it"):
        fetch(releases[1], tmp_path)


def test_a_version_that_cannot_be_deleted_keeps_no_other(
    registry: str, name: str, small: Champion, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(7):
        publish(name, small)
    with open_client() as client:
        delete = client.delete_model_version

        def refuse_one(model: str, version: str) -> None:
            if int(version) == 1:
                raise MlflowException("not this one")
            delete(model, version)

        monkeypatch.setattr(client, "delete_model_version", refuse_one)
        assert forget_old_versions(client, name) == [2]
        monkeypatch.undo()
        assert forget_old_versions(client, name) == [1]


def test_a_folder_keeps_only_some_files_of_a_model(
    registry: str, name: str, small: Champion, tmp_path: Path
) -> None:
    kept = [fetch(publish(name, small), tmp_path) for _ in range(6)]

    assert sorted(tmp_path.iterdir()) == sorted(kept[-4:])
