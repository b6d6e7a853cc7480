"""What an administrator may set for exports, for the site and for single grids."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Format = Literal["csv", "xlsx", "pdf", "json", "ndjson", "parquet"]


class ExportConfig(BaseModel):
    """The configuration of the export plugin.

    Attributes:
        formats: which formats are offered, in the order of the menu.
        other_formats: formats that other plugins write and this menu offers, too, after its own.
        include_filtered_only: export the rows that match the person's filter and search; off: all rows that the
            person may see.
        include_formatting: whether Excel and PDF files show labels, number formats and widths, where the person does
            not choose.
    """

    model_config = ConfigDict(extra="forbid")

    formats: list[Format] = Field(
        default=["csv", "xlsx", "pdf", "json"],
        min_length=1,
        title="Formats",
        description="Which formats are offered, in the order of the menu.",
    )
    other_formats: list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]] = Field(
        default=[],
        title="Formats of other plugins",
        description="Ids of formats that other plugins write. One that nobody writes now is not offered.",
    )
    include_filtered_only: bool = Field(
        default=True,
        title="Only filtered rows",
        description="Export the rows that match filter and search. Off: all rows that the person may see.",
    )
    include_formatting: bool = Field(
        default=True,
        title="Formatted files",
        description="Excel and PDF files show labels, number formats and column widths unless the person says no.",
    )

    @field_validator("formats")
    @classmethod
    def _once_each(cls, formats: list[Format]) -> list[Format]:
        if len(set(formats)) < len(formats):
            raise ValueError("each format can be named once only")
        return formats
