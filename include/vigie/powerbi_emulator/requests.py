"""What may be asked of the refresh service: the body of a refresh, as Microsoft defines it.

After `DatasetRefreshRequest` of microsoft/PowerBI-CSharp and the page "Enhanced refresh with the
Power BI REST API", which adds `timeout` and the rule about `partialBatch`.
"""

from __future__ import annotations

from datetime import date
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

NotifyOption = Literal["NoNotification", "MailOnFailure", "MailOnCompletion"]


class Target(BaseModel):
    """A table to refresh, or one partition of it."""

    model_config = ConfigDict(extra="forbid")

    table: str
    partition: str | None = None


class RefreshRequest(BaseModel):
    """A refresh; any key but `notifyOption` makes it an enhanced one."""

    model_config = ConfigDict(extra="forbid")

    notifyOption: NotifyOption | None = None
    type: Literal["full", "clearvalues", "calculate", "dataonly", "automatic", "defragment"] = (
        "automatic"
    )
    commitMode: Literal["transactional", "partialbatch"] = "transactional"
    maxParallelism: int = Field(10, ge=1)
    retryCount: int = Field(0, ge=0)
    objects: list[Target] = []
    applyRefreshPolicy: bool = True
    effectiveDate: date | None = None
    timeout: str = Field("05:00:00", pattern=r"^\d{2}:[0-5]\d:[0-5]\d$")

    @field_validator("type", "commitMode", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _batches_have_no_policy(self) -> Self:
        if self.commitMode == "partialbatch" and self.applyRefreshPolicy:
            raise ValueError("applyRefreshPolicy must be false when commitMode is partialBatch")
        return self

    @property
    def enhanced(self) -> bool:
        """Whether it has details and can be cancelled."""
        return bool(self.model_fields_set - {"notifyOption"})
