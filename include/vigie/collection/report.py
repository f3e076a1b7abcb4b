"""What became of a file, in words for whoever delivered it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from vigie.contract.feed import Feed

_LISTED = 100

_AGAIN = (
    "Correct what is named above and deliver the whole file again. That is safe: readings that\n"
    "are here already do not count twice."
)
_NEXT = (
    "A line that was sent has the right form. Whether its values are possible is checked\n"
    "afterwards, by the rules of the feed."
)


@dataclass
class Report:
    """Counts the lines of one file and keeps the first faults."""

    file: str
    feed: Feed
    read: int = 0
    sent: int = 0
    refused: int = 0
    faults: list[tuple[int, str]] = field(default_factory=list)
    """Line, from 1, and what is wrong there."""
    whole: str = ""
    """Why nothing of the file could be read."""

    def refuse(self, line: int, reason: str) -> None:
        """Count a refused line, and keep what is wrong with it while few are known."""
        self.refused += 1
        if len(self.faults) < _LISTED:
            self.faults.append((line, reason))

    @property
    def is_clean(self) -> bool:
        """Whether all of the file was sent."""
        return not (self.refused or self.whole) and self.sent > 0

    def summary(self) -> str:
        """The counts in one line."""
        return f"{self.read} lines read, {self.sent} sent, {self.refused} refused"

    def text(self, now: datetime | None = None) -> str:
        """The report as it is laid beside the file."""
        taken = (now or datetime.now(UTC)).isoformat(" ", "seconds").removesuffix("+00:00")
        parts = [
            f"File:  {self.file!r}\nFeed:  {self.feed.name} ({self.feed.title})\n"
            f"Taken: {taken} UTC",
            f"Lines read:    {self.read}\nLines sent:    {self.sent}\n"
            f"Lines refused: {self.refused}",
        ]
        if self.whole:
            parts.append(f"The file could not be read as a whole: {self.whole}")
        elif not self.read:
            parts.append("The file has no readings in it.")
        if self.faults:
            parts.append("\n".join(f"Line {line}: {why}" for line, why in self.faults))
        if self.refused > len(self.faults):
            parts.append(f"{self.refused - len(self.faults)} more lines were refused.")
        parts.append(_AGAIN)
        if self.sent:
            parts.append(_NEXT)
        return "\n\n".join(parts) + "\n"
