from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from vigie.errors import StackError
from vigie.local.jars import JARS, STACK, fetch_jars, is_complete, spark_jars
from vigie.settings import get_settings

# Stands in for java: "fetches" the jar it is asked for, as Ivy would.
IVY = """\
#!/bin/sh
if [ "$1" = -version ]; then echo 'openjdk version "17.0.1"' >&2; exit 0; fi
echo "$@" >> "{calls}"
while [ "$1" != -dependency ]; do shift; done
name="$3-$4.jar"
{fault}
while [ "$1" != -retrieve ]; do shift; done
touch "${{2%%/\\[*}}/$name"
"""


@pytest.fixture
def ivy(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Put a Java in place that fails by `fault`; calling again tells what was asked of it."""
    calls = tmp_path / "calls"
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    monkeypatch.setenv("JAVA_HOME", str(java.parent.parent))
    monkeypatch.setenv("VIGIE_JARS", str(tmp_path / "jars"))
    get_settings.cache_clear()

    def install(fault: str) -> list[str]:
        java.write_text(IVY.format(calls=calls, fault=fault))
        java.chmod(java.stat().st_mode | stat.S_IXUSR)
        return calls.read_text().splitlines() if calls.is_file() else []

    return install


def test_every_jar_is_fetched_once(ivy: Callable[[str], list[str]]) -> None:
    ivy("")
    assert fetch_jars() == list(STACK)
    assert fetch_jars() == []
    assert len(ivy("")) == sum(len(JARS[name]) for name in STACK)
    assert all(path.is_file() for path in spark_jars())


def test_a_set_that_fails_half_way_is_not_taken_for_complete(
    ivy: Callable[[str], list[str]],
) -> None:
    last = JARS["spark"][-1]
    ivy(f'if [ "$3" = {last.name} ]; then echo no such host; exit 1; fi')
    with pytest.raises(StackError, match=rf"{last.jar}(.|\n)*no such host"):
        fetch_jars()
    assert not (get_settings().jars / "spark").exists()
    ivy("")
    assert fetch_jars() == ["spark"]


def test_an_answer_without_the_jar_is_a_failure(ivy: Callable[[str], list[str]]) -> None:
    ivy("exit 0")
    with pytest.raises(StackError, match="could not be fetched"):
        fetch_jars()


def test_a_removed_jar_or_a_changed_list_makes_a_set_incomplete(
    ivy: Callable[[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ivy("")
    fetch_jars()
    folder = get_settings().jars / "spark"
    spark_jars()[0].unlink()
    assert not is_complete(folder)
    fetch_jars()
    assert is_complete(folder)
    monkeypatch.setitem(JARS, "spark", JARS["spark"][:-1])
    assert not is_complete(folder)


def test_without_java_the_message_says_how_to_get_it(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGIE_JARS", str(state / "jars"))
    monkeypatch.setenv("JAVA_HOME", str(state / "nowhere"))
    get_settings.cache_clear()
    with pytest.raises(StackError, match="openjdk-17"):
        fetch_jars()
