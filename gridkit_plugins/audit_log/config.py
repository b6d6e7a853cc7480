"""What an administrator may set for the audit log, for the site and for single grids."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from gridkit_django.events import matching_types
from gridkit_django.exceptions import AuditDestinationError, UnknownEventTypeError
from gridkit_django.plugins import check_address

DATABASE = "database"
"""The destination that is no other place."""

DEFAULT_EVENTS = ("row:create", "row:update", "row:delete", "export:finish")


class PersonalData(BaseModel):
    """How personal data is kept out of the records.

    Attributes:
        mask: ids of columns whose values are never stored.
        mask_forms: ids of masked columns to the form in which a part may be told.
        encrypt: ids of columns whose values are stored encrypted.
        subject: id of the column that says whom a row speaks of.
    """

    model_config = ConfigDict(extra="forbid")

    mask: list[str] = Field(
        default=[],
        title="Masked columns",
        description="Ids of columns whose values are replaced by *** before a record is stored.",
    )
    mask_forms: dict[str, Literal["full", "end", "email", "year", "initial", "network"]] = Field(
        default={},
        title="Forms of masks",
        description="Masked columns of which a part may be told, for example the domain of an e-mail address.",
    )
    encrypt: list[str] = Field(
        default=[],
        title="Encrypted columns",
        description="Ids of columns whose values are stored encrypted, with a key of its own for each person.",
    )
    subject: str = Field(
        default="",
        title="Subject",
        description="Id of the column that says whom a row speaks of; empty for the row itself. Forgetting that "
        "subject makes the encrypted values of its rows unreadable.",
    )

    @model_validator(mode="after")
    def _forms_of_masked(self) -> Self:
        if lone := sorted(self.mask_forms.keys() - set(self.mask)):
            raise ValueError(f"mask_forms names {', '.join(lone)}, which mask does not name. Name them there, too.")
        return self


class AuditLogConfig(BaseModel):
    """The configuration of the audit log plugin.

    Attributes:
        destination: where records go beside the site's own database.
        destination_format: the form in which they go there.
        destination_secret: what signs them.
        retention: how long records of rows are kept, for example ``7y``.
        events: event types or patterns that are recorded.
        pii: how personal data is kept out.
        include_metadata: whether records say request id, address and browser.
    """

    model_config = ConfigDict(extra="forbid")

    destination: str = Field(
        default="database",
        title="Destination",
        description="Records are kept in the site's own database. An address (https://, syslog+tls://, otlp+https://, "
        "or a file:/// or function that AUDIT_LOCAL_DESTINATIONS lists) gets all of them, too.",
    )
    destination_format: Literal["native", "ocsf", "cef"] = Field(
        default="native", title="Format", description="The form in which records go to the destination."
    )
    destination_secret: SecretStr = Field(
        default=SecretStr(""),
        title="Secret of the destination",
        description="Signs the batches of a webhook, or is the token of an OpenTelemetry collector.",
    )
    retention: str = Field(
        default="",
        title="Retention",
        pattern=r"^([1-9][0-9]{0,3}[dwmy])?$",
        description="How long records of rows are kept: 90d, 2w, 18m, 7y; empty for the rule of the site.",
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

    @field_validator("destination")
    @classmethod
    def _reachable(cls, destination: str) -> str:
        if destination == DATABASE:
            return destination
        if not destination:
            raise ValueError(f"There is no destination without an address. Write {DATABASE!r} for none.")
        try:
            return check_address(destination)
        except AuditDestinationError as error:
            raise ValueError(error.detail) from error

    @field_validator("events")
    @classmethod
    def _known(cls, events: list[str]) -> list[str]:
        for pattern in events:
            try:
                matching_types(pattern)
            except UnknownEventTypeError as error:
                raise ValueError(error.detail) from error
        return events
