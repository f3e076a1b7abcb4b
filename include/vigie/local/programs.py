"""What a program of the stack is to the process manager."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Program:
    """One supervised command.

    It is asked to end with `stop_signal`, all its group unless `stop_alone`; what is left of the
    group after `stop_seconds` is killed. `reads` stands for what it reads only when it starts: with
    another value, the next `vigie up` starts it anew.
    """

    name: str
    command: tuple[str, ...]
    stop_signal: str = "TERM"
    stop_seconds: int = 20
    stop_alone: bool = False
    reads: str = ""
