"""Its configuration became narrower than what is stored."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from gridkit_django.plugins import Plugin


class Broken(Plugin):
    """Its configuration became narrower than what is stored."""

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")

        minutes: int = Field(default=5, le=9)
