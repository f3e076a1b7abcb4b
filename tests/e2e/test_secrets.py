"""No secret of the stack is shown to whoever may list processes or read logs."""

from __future__ import annotations

from pathlib import Path

import httpx
import psutil
import pytest

from tests.local_stack import LocalStack
from vigie.contract.loader import load_feeds
from vigie.local.ports import is_free
from vigie.local.processes import stack_processes

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def test_no_command_line_has_a_secret(local_stack: LocalStack) -> None:
    lines = []
    for process in stack_processes(local_stack.stack):
        try:
            lines.append(" ".join(process.cmdline()))
        except psutil.NoSuchProcess:
            continue

    assert len(lines) > 10
    assert [(name, line) for line in lines for name, s in named(local_stack) if s in line] == []


def test_no_log_has_a_secret(local_stack: LocalStack) -> None:
    stack = local_stack.stack
    folders = (stack.logs, stack.state / "airflow" / "logs", stack.state / "spark" / "work")
    files = [path for folder in folders for path in folder.rglob("*") if is_log(path)]

    assert all(any(path.is_relative_to(folder) for path in files) for folder in folders)
    texts = {path: path.read_text(errors="replace") for path in files}
    secrets = named(local_stack)
    assert [(n, str(p)) for p, text in texts.items() for n, s in secrets if s in text] == []


def test_no_page_of_sparks_has_a_secret(local_stack: LocalStack) -> None:
    stack = local_stack.stack
    pages = [
        httpx.get(f"http://{stack.address(part)}{path}", timeout=10).text
        for part in ("spark_master_ui", "spark_worker_ui")
        for path in ("/", "/json/", "/environment/", "/conf")
    ]
    first = stack.ports["spark_drivers"]
    drivers = [
        httpx.get(f"http://127.0.0.1:{port}/environment/", timeout=10).text
        for port in range(first, first + len(load_feeds()))
        if not is_free(port)
    ]

    assert drivers
    assert [n for n, s in named(local_stack) if any(s in page for page in pages + drivers)] == []


def is_log(path: Path) -> bool:
    return path.is_file() and (path.suffix == ".log" or path.name in ("stdout", "stderr"))


def named(local_stack: LocalStack) -> list[tuple[str, str]]:
    return sorted(local_stack.stack.secrets.items())
