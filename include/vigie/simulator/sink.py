"""Where simulated messages go: a topic, or the ingest API."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self


class Sink(Protocol):
    """Takes messages and counts them; leaving it sends what is left."""

    @property
    def acknowledged(self) -> int:
        """Messages that are safe."""

    @property
    def rejected(self) -> int:
        """Messages refused one by one, with a reason."""

    def send(self, key: bytes, value: bytes) -> None:
        """Send one message; waits where too much is on its way."""

    def rest(self) -> None:
        """Nothing follows for a while: send what is still kept back."""

    def __enter__(self) -> Self:
        """Ready to send."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Send what is left.

        Raises:
            BrokerError, IngestError: Messages were not acknowledged.
        """
