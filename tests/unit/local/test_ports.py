from __future__ import annotations

import os
import socket

import pytest

from vigie.errors import StackError
from vigie.local.ports import LOOPBACK, USUAL, WIDTH, choose_ports, is_free, require_free


def every_port(chosen: dict[str, int]) -> list[int]:
    return [first + step for part, first in chosen.items() for step in range(WIDTH.get(part, 1))]


def test_known_ports_are_kept_even_when_taken() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        taken = server.getsockname()[1]
        assert choose_ports({"kafka": taken}, only_free=True)["kafka"] == taken


def test_every_part_gets_its_own_port() -> None:
    ports = every_port(choose_ports({}, only_free=True))
    assert len(ports) == len(set(ports))
    assert all(map(is_free, ports))


def test_only_free_avoids_the_usual_ports() -> None:
    assert set(choose_ports({}, only_free=True).values()).isdisjoint(USUAL.values())


def test_the_usual_port_is_taken_unless_somebody_listens_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vigie.local.ports.is_free", lambda port: port != USUAL["postgres"])
    chosen = choose_ports({})
    assert chosen.pop("postgres") != USUAL["postgres"]
    assert chosen == {part: port for part, port in USUAL.items() if part != "postgres"}


def test_a_row_of_ports_is_not_put_across_a_known_one() -> None:
    inside = USUAL["spark_drivers"] + 1
    assert choose_ports({"kafka": inside})["spark_drivers"] != USUAL["spark_drivers"]


def test_a_taken_port_is_named_with_its_holder_and_the_line_to_change() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(StackError) as refused:
            require_free("spark_rest", port)
    assert f"port {port} is taken by" in str(refused.value)
    assert f"process {os.getpid()}" in str(refused.value)
    assert "STACK_PORT_SPARK_REST" in str(refused.value)


def test_a_free_port_is_accepted() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
    require_free("kafka", port)
