"""Counts the edits of each grid. The demo lists it in three versions; what a version may do is what it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from gridkit_django.plugins import Plugin, handles

NO_ARGUMENTS: Mapping[str, Any] = {"type": "object", "additionalProperties": False}


class EditCounterPlugin(Plugin):
    """Keeps, for each grid, how many edits there were."""

    class Config(BaseModel):
        """What an administrator may set; the form in the admin is made from it."""

        model_config = ConfigDict(extra="forbid")

        most: int = Field(default=1000, ge=1, title="At most", description="Counting ends here.")

    def initialize(self, context: Any) -> None:
        """Start; without the permission for it there is no report."""
        context.register_method("edits", self.edits, schema=NO_ARGUMENTS, label="How many edits were there?")
        if context.has_permission("reports:register"):
            context.register_report("edits", self.report, label="Edits of each grid")

    @handles("row:update")
    def count(self, event: Any) -> None:
        """Count an edit, in its transaction: when that is undone, so is this."""
        before: Any = self.context.storage.get(event.grid, 0)
        if before < self.context.config_for(event.grid).most:
            self.context.storage.set(event.grid, before + 1)

    def edits(self, call: Any) -> dict[str, Any]:
        """Answer the method: how many edits the grid had."""
        return {"edits": self.context.storage.get(call.grid, 0)}

    def report(self, call: Any) -> list[dict[str, Any]]:
        """Answer the report: a bar for each grid that the person may open."""
        counts: dict[str, Any] = {grid: self.context.storage.get(grid, 0) for grid in call.grids}
        points = [{"label": call.labels[grid], "value": count} for grid, count in counts.items() if count]
        if not points:
            return [{"kind": "text", "text": "Nobody has edited a row yet."}]
        return [{"kind": "ranking", "title": "Edits of each grid", "value_label": "Edits", "points": points}]
