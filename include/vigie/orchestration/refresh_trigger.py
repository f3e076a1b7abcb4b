"""What the triggers of a refresh share: the dataset, the connection to it, and their log."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.triggers.base import BaseTrigger

from vigie.orchestration.refresh_service import RefreshService

POLL_SECONDS = 30.0


class RefreshTrigger(BaseTrigger):
    """A trigger about the refreshes of one dataset; `arguments` names its own."""

    arguments: ClassVar[tuple[str, ...]] = ()

    def __init__(self, conn_id: str, group_id: str, dataset_id: str, poll: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.conn_id, self.group_id, self.dataset_id = conn_id, group_id, dataset_id
        self.poll = poll
        self._made: RefreshService | None = None
        self._logged = ""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The importable path and the arguments."""
        names = ("conn_id", "group_id", "dataset_id", "poll", *self.arguments)
        path = f"{type(self).__module__}.{type(self).__name__}"
        return path, {name: getattr(self, name) for name in names}

    async def cleanup(self) -> None:
        """Close the connection."""
        if self._made is not None:
            await self._made.close()

    @property
    def service(self) -> RefreshService:
        """The service, connected on first use."""
        if self._made is None:
            self._made = RefreshService(self.conn_id, self.group_id, self.dataset_id)
        return self._made

    def log_once(self, text: str) -> None:
        """Log what is not what was logged last."""
        if text != self._logged:
            self.log.info(text)
            self._logged = text
