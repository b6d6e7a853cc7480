"""What an administrator may set for the audit log, for the site and for single grids."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gridkit_django.events import matching_types
from gridkit_django.exceptions import UnknownEventTypeError

DEFAULT_EVENTS = ("row:create", "row:update", "row:delete", "export:finish")


class PersonalData(BaseModel):
    """How personal data is kept out of the records.

    Attributes:
        mask: ids of columns whose values are never stored.
    """

    model_config = ConfigDict(extra="forbid")

    mask: list[str] = Field(
        default=[],
        title="Masked columns",
        description="Ids of columns whose values are replaced by *** before a record is stored.",
    )


class AuditLogConfig(BaseModel):
    """The configuration of the audit log plugin.

    Attributes:
        destination: where records go.
        events: event types or patterns that are recorded.
        pii: how personal data is kept out.
        include_metadata: whether records say request id, address and browser.
    """

    model_config = ConfigDict(extra="forbid")

    destination: Literal["database"] = Field(
        default="database", title="Destination", description="Records are kept in the site's own database."
    )
    events: list[str] = Field(
        default=list(DEFAULT_EVENTS),
        title="Events",
        description="Event types, or patterns such as row:*. Exports and changes to plugins are always recorded, by "
        "the core itself, once, whether they are named here or not.",
    )
    pii: PersonalData = Field(default_factory=PersonalData, title="Personal data")
    include_metadata: bool = Field(
        default=True,
        title="Request metadata",
        description="Store request id, address and browser with each record.",
    )

    @field_validator("events")
    @classmethod
    def _known(cls, events: list[str]) -> list[str]:
        for pattern in events:
            try:
                matching_types(pattern)
            except UnknownEventTypeError as error:
                raise ValueError(error.detail) from error
        return events
