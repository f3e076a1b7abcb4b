"""A stream waits while the disk is nearly full, and goes on by itself: on the real disk."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import environment
from vigie.streaming.disk import PHASE, WaitForDisk
from vigie.streaming.heartbeat import Pulse

pytestmark = pytest.mark.unit

_GB = 10**9


class Stream:
    """A stream that is given one batch; needs two gigabytes of real room."""

    def __init__(self) -> None:
        self.pulse, self.stop = Pulse(phase="running"), threading.Event()
        self.done: list[int] = []
        self.batches = WaitForDisk(
            lambda _, batch_id: self.done.append(batch_id), self.pulse, stop=self.stop
        )
        self.thread = threading.Thread(target=self.batches, args=(None, 7))

    def begin(self) -> None:
        self.thread.start()
        deadline = time.monotonic() + 30
        while self.pulse.progress < 2 and self.thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.05)


@pytest.fixture
def stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stream]:
    """A stream whose floor lies two gigabytes below what is free."""
    free = shutil.disk_usage(tmp_path).free
    if free < 6 * _GB:
        pytest.skip("needs 6 GB of disk")
    monkeypatch.setattr("vigie.streaming.disk._LOOK_EVERY", 0.05)
    with environment(VIGIE_STATE=str(tmp_path), VIGIE_DISK_FLOOR=str(free / _GB - 2)):
        yield Stream()


def fill(folder: Path) -> Path:
    file = folder / "large"
    with file.open("wb") as opened:
        os.posix_fallocate(opened.fileno(), 0, 4 * _GB)
    return file


def test_a_batch_runs_at_once_while_there_is_room(stream: Stream) -> None:
    stream.begin()
    stream.thread.join(30)
    assert (stream.done, stream.pulse.phase, stream.pulse.progress) == ([7], "running", 0)


def test_a_full_disk_holds_the_batch_until_there_is_room(stream: Stream, tmp_path: Path) -> None:
    large = fill(tmp_path)
    stream.begin()
    assert (stream.done, stream.pulse.phase) == ([], PHASE)
    large.unlink()
    stream.thread.join(30)
    assert (stream.done, stream.pulse.phase) == ([7], "running")


def test_a_stop_ends_the_wait(stream: Stream, tmp_path: Path) -> None:
    fill(tmp_path)
    stream.begin()
    stream.pulse.phase = "stopping"
    stream.stop.set()
    stream.thread.join(30)
    assert not stream.thread.is_alive()
    assert stream.pulse.phase == "stopping"
