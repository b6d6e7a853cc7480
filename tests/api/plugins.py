"""The plugins that the API's tests install: one that works, one with a job, one that can't start."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, SecretStr

from gridkit_django.plugins import Plugin, PluginContext, PluginMetadata

CLERK = "@api-tests/clerk"
BROKEN = "api-tests-broken"
TOILER = "api-tests-toiler"


def metadata(plugin_id: str, *permissions: str) -> PluginMetadata:
    """Return the manifest of a test plugin."""
    return PluginMetadata(
        id=plugin_id,
        name="Clerk",
        version="1.2.0",
        author="Tests",
        description="Keeps a greeting.",
        category="utility",
        tags=("clerk",),
        core_version=">=0.1",
        required_permissions=permissions,
        license="MIT",
        entry="plugin:Clerk",
    )


class Clerk(Plugin):
    """Has a configuration with a secret, and offers nothing."""

    metadata = metadata(CLERK, "storage:use", "methods:register")

    class Config(BaseModel):
        """What can be set."""

        model_config = {"extra": "forbid"}
        mood: Literal["calm", "busy"] = "calm"
        password: SecretStr = SecretStr("")


class Toiler(Plugin):
    """Has a job, and asks for a permission when it starts."""

    metadata = metadata(TOILER, "schedule:use")

    def initialize(self, context: PluginContext) -> None:
        """Offer the job."""
        context.request_permission("rows:read", "to count them")
        context.jobs.register(
            "count",
            lambda call: {"counted": call.arguments.get("to", 0)},
            label="Count",
            every=timedelta(hours=1),
            schema={"type": "object", "properties": {"to": {"type": "integer"}}, "additionalProperties": False},
        )


class Broken(Plugin):
    """Raises when it starts."""

    metadata = metadata(BROKEN)

    def initialize(self, context: PluginContext) -> None:
        """Fail."""
        raise RuntimeError("no engine")
