from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from vigie.errors import StackError
from vigie.local.stack import SECRETS, Stack, find_stack, prepare_stack
from vigie.settings import get_settings


def test_there_is_no_stack_before_the_first_start(state: Path) -> None:
    assert find_stack() is None


def test_a_second_start_keeps_every_port_and_secret(stack: Stack) -> None:
    assert prepare_stack() == stack
    assert find_stack() == stack


def test_a_stack_from_before_a_part_was_added_is_found_and_the_part_has_a_port(
    stack: Stack,
) -> None:
    file = stack.state / "vigie.env"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if "STACK_PORT_PAGES" not in line))

    found = find_stack()

    assert found is not None
    assert found.ports["pages"] not in set(stack.ports.values()) - {stack.ports["pages"]}
    assert {**found.ports, "pages": 0} == {**stack.ports, "pages": 0}


def test_a_stack_from_before_a_secret_was_added_is_found_without_it(stack: Stack) -> None:
    file = stack.state / "vigie.env"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if "STACK_SECRET_SPARK_REST" not in line))

    found = find_stack()

    assert found is not None
    assert found.secrets == {**stack.secrets, "spark_rest": ""}
    assert prepare_stack().secrets["spark_rest"]


def test_the_file_is_for_its_owner_only(stack: Stack) -> None:
    assert (stack.state / "vigie.env").stat().st_mode & 0o777 == 0o600


def test_every_secret_differs_and_is_long_enough(stack: Stack) -> None:
    assert len(set(stack.secrets.values())) == len(SECRETS)
    assert len(stack.secrets["airflow_jwt"]) >= 64
    assert min(map(len, stack.secrets.values())) >= 20


def test_settings_lead_to_the_stack_as_soon_as_it_is_prepared(state: Path) -> None:
    assert get_settings().warehouse == ""
    stack = prepare_stack()
    settings = get_settings()
    assert settings.kafka == f"127.0.0.1:{stack.ports['kafka']}"
    assert settings.spark_ui_port == stack.ports["spark_drivers"]
    for url, role in (
        (settings.warehouse, "vigie_stream"),
        (settings.warehouse_owner, "vigie_owner"),
        (settings.warehouse_reader, "vigie_reader"),
    ):
        parsed = make_url(url)
        assert (parsed.username, parsed.password) == (role, stack.secrets[role])
        assert (parsed.port, parsed.database) == (stack.ports["postgres"], "vigie")


def test_a_changed_port_moves_the_settings_and_leaves_the_operators_lines(stack: Stack) -> None:
    file = stack.state / "vigie.env"
    before = f"STACK_PORT_KAFKA='{stack.ports['kafka']}'"
    text = file.read_text().replace(before, "STACK_PORT_KAFKA=19999")
    file.write_text(text + "VIGIE_DRIVER_MEMORY=2g\n")
    prepare_stack()
    assert get_settings().kafka == "127.0.0.1:19999"
    assert get_settings().driver_memory == "2g"


def test_a_port_that_is_no_number_is_named(stack: Stack) -> None:
    file = stack.state / "vigie.env"
    file.write_text(file.read_text() + "STACK_PORT_AIRFLOW=http\n")
    with pytest.raises(StackError, match=r"STACK_PORT_AIRFLOW=http.*expected a port"):
        prepare_stack()


def test_an_environment_that_points_elsewhere_is_refused(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGIE_KAFKA", "broker.example:9092")
    with pytest.raises(StackError, match="unset VIGIE_KAFKA"):
        prepare_stack()


def test_a_long_state_path_gets_a_short_socket_that_is_found_again(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = state / ("x" * 120)
    monkeypatch.setenv("VIGIE_STATE", str(long))
    get_settings.cache_clear()
    stack = prepare_stack()
    assert len(str(stack.socket)) < 100
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/elsewhere")
    found = find_stack()
    assert found is not None
    assert found.socket == stack.socket


def test_a_short_state_path_keeps_its_socket_inside(
    monkeypatch: pytest.MonkeyPatch, state: Path
) -> None:
    monkeypatch.setattr("vigie.local.stack._LONGEST_SOCKET", 1000)
    assert prepare_stack().socket.parent == state
