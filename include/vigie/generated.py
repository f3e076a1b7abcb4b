"""Files of the repository that follow from code and contracts: what differs, and writing it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

Changes = dict[Path, str | None]
"""Path under a folder → its new text, or None to remove it."""


def differing(wanted: Mapping[Path, str], folder: Path, written: Iterable[Path] = ()) -> Changes:
    """What writing would change; of those `written` before, what is no longer wanted goes."""
    changes: Changes = {
        path: text for path, text in wanted.items() if _found(folder / path) != text
    }
    return changes | {path: None for path in written if path not in wanted}


def write(changes: Changes, folder: Path) -> None:
    """Carry out what `differing` found."""
    for path, text in changes.items():
        target = folder / path
        if text is None:
            target.unlink()
            if not any(target.parent.iterdir()):
                target.parent.rmdir()
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8", newline="\n")


def _found(path: Path) -> str | None:
    return path.read_text("utf-8") if path.is_file() else None
