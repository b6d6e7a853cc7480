"""The base class of all plugins."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from gridkit_django.plugins.context import PluginContext
from gridkit_django.plugins.health import PluginHealth
from gridkit_django.plugins.metadata import PluginMetadata


class Plugin:
    """Base class of a plugin. This docstring is the author's manual.

    **A plugin in four files.** A package with ``plugin.toml`` (who it is, what it needs), ``plugin.py`` (a class that
    derives from ``Plugin``), tests and a README::

        # plugin.toml
        id = "@acme/delay-alarm"
        name = "Delay alarm"
        version = "1.0.0"
        author = "Acme"
        description = "Counts long delays of each carrier."
        category = "data"
        license = "MIT"
        core_version = ">=0.1,<1"
        required_permissions = ["events:subscribe", "storage:use", "methods:register"]
        entry = "plugin:DelayAlarm"

        # plugin.py
        from pydantic import BaseModel, Field
        from gridkit_django.plugins import Plugin, handles

        class DelayAlarm(Plugin):
            class Config(BaseModel):
                minutes: int = Field(60, ge=1, description="Delays from here on count")

            def initialize(self, context):
                super().initialize(context)
                context.register_method(
                    "delays", self.delays, schema={"type": "object", "additionalProperties": False}, label="Long delays"
                )

            @handles("cell:edit")
            def count(self, event):
                late = event.payload["column"] == "dep_delay" and event.payload["new"] or 0
                if late >= self.context.config.minutes:
                    self.context.storage.set("delays", self.context.storage.get("delays", 0) + 1)

            def delays(self, call):
                return {"count": self.context.storage.get("delays", 0)}

    A package that pip installs names the class in the entry-point group ``gridkit.plugins``; a plugin of one site lies
    in a folder under ``GRIDKIT["PLUGIN_ROOT"]`` and imports its own modules relatively (``from . import rules``); a
    plugin given as an object carries ``metadata = PluginMetadata(...)`` on the class.

    **Importing does nothing.** The manifest is read without running your code. No work at module level, no signal
    connected by hand, no thread at import. ``@handles`` only marks.

    **Life.** ``initialize(context)`` starts you; raise and you are quarantined with your reason, the site goes on.
    Raise ``PluginNotReadyError`` for what may pass by itself, and you are tried again, later and later.
    ``destroy()`` ends you: give back what is not the context's; subscriptions, methods and exporters end by themselves.
    A new configuration, new grants or new code make a *new* object: it is initialised beside the old one, then
    ``on_hot_reload(previous)`` may take over state, then it serves, then the old one is destroyed. If any of this
    fails the old one goes on serving. There is one object in each process: what all must see belongs in
    ``context.storage``.

    **Context.** All you may touch is ``self.context``, and each call needs a permission that the manifest asks for and
    an administrator grants. A refused call raises ``PluginPermissionError``; ask ``context.has_permission`` first where
    you can do without. Plain data crosses it, no model instances.

    **Handlers.** ``before`` may raise ``EventRejected("why")`` to veto the act. ``after`` runs in the act's transaction
    inside a savepoint; what it raises is counted and shown on your health page and does not harm the act, unless the
    handler is ``critical``. Effects outside the database (mail, HTTP) belong in ``committed``. Be quick: a call over
    ``HANDLER_BUDGET_MS`` counts as slow, after ``BREAKER_SLOW_CALLS`` of them the handler is left out for a while, and
    after ``HANDLER_FAILURES_MAX`` failures in a row you are suspended. You are called only for grids that you serve
    (``Meta.plugins``). Two plugins that answer each other's events or messages are cut after eight rounds.

    **Long work** belongs in a job: ``context.jobs.register`` offers one, on schedule if you like, ``context.jobs.run``
    starts it. A Celery worker calls you then, in a process of its own, with no user behind it.

    **Configuration.** ``Config`` is a pydantic model with a default for everything that has a sensible one; secrets are
    ``SecretStr``, stored encrypted and never shown. The admin's form and the API's check come from it. Read
    ``context.config``, or ``context.config_for(event.grid)`` where one grid may differ. When you rename a key or change
    what it means, raise ``config_version`` by one and write the step in ``migrate_config``::

        config_version = 2

        @classmethod
        def migrate_config(cls, values, from_version):
            if from_version == 1 and "hours" in values:
                values["minutes"] = values.pop("hours") * 60
            return values

    **Storage.** When what you keep in ``context.storage`` changes its form, raise ``storage_version`` by one and write
    the step in ``migrate_storage(values, from_version)``, which gets all keys and returns all keys. What was there
    before is kept as a whole and comes back with the code before it.

    **Tests.** ``class TestConformance(PluginConformance): source = "plugins/mine"`` from ``gridkit_django.testing``
    asks what administrators rely on, and its fixtures start plugins in tests of your own.

    **Trust.** A plugin of this form runs inside the site's process. Permissions keep honest plugins honest and show the
    administrator what to expect; they do not hold against hostile code.

    Attributes:
        metadata: who the plugin is. Read from ``plugin.toml``; written in the class only for plugins given as objects.
        Config: the pydantic model of the configuration. Without one, the plugin has none and every key is refused.
        config_version: version of ``Config``. Raise it when stored values need a step of ``migrate_config``.
        storage_version: version of what you store. Raise it when that needs a step of ``migrate_storage``.
        context: what the plugin sees; set before ``initialize`` is called.
    """

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")

    metadata: ClassVar[PluginMetadata]
    config_version: ClassVar[int] = 1
    storage_version: ClassVar[int] = 1
    context: PluginContext

    def initialize(self, context: PluginContext) -> None:
        """Start. Called once for each object, after ``self.context`` is set; override to register and prepare.

        Args:
            context: what the plugin sees, the same as ``self.context``.
        """

    def destroy(self) -> None:
        """End. Called once, after the last event; what the context gave is taken back without you."""

    def on_hot_reload(self, previous: Plugin) -> None:
        """Take over state from the object that served until now; called after ``initialize``, before the swap.

        Args:
            previous: the old object; its class may be of older code. Read from it, do not change it.
        """

    def health_check(self) -> PluginHealth:
        """Say how the plugin is. The runtime adds what it saw itself; raising or taking over a second is unhealthy."""
        return PluginHealth.healthy()

    @classmethod
    def validate_config(cls, values: dict[str, Any]) -> BaseModel:
        """Return the configuration as an instance of ``Config``.

        Override it to judge what no single field can. The admin's form and the API show each fault at its field.

        Args:
            values: what somebody wrote, the layers joined, without the defaults.

        Raises:
            pydantic.ValidationError: when the values do not fit.
        """
        return cls.Config.model_validate(values)

    @classmethod
    def get_default_config(cls) -> dict[str, Any]:
        """Return the values of a configuration that nobody wrote: the defaults of those fields that have one."""
        fields = cls.Config.model_fields.items()
        defaults = {
            name: field.get_default(call_default_factory=True) for name, field in fields if not field.is_required()
        }
        return cls.Config.model_construct(**defaults).model_dump(mode="json")

    @classmethod
    def migrate_config(cls, values: dict[str, Any], from_version: int) -> dict[str, Any]:
        """Return stored values of one version of ``Config`` as the next version wants them.

        Called on a copy, once for each version between the stored one and ``config_version``, for the values for all
        grids and for those of each grid. Only what somebody wrote is there, so look before you take. The result is
        checked before it is stored; raise, and the old code goes on serving. Keys that ``Config`` does not know are set
        aside, and come back when the old code does.

        Args:
            values: the values as they were stored, secrets in plain form; yours to change.
            from_version: their version; return values of the version after it.
        """
        return values

    @classmethod
    def migrate_storage(cls, values: dict[str, Any], from_version: int) -> dict[str, Any]:
        """Return all that is stored, in one version of its form, as the next version wants it.

        Called on a copy, once for each version between the stored one and ``storage_version``, while other writes wait:
        be quick, and touch nothing but the values. Raise, and the old code goes on serving with its storage untouched.

        Args:
            values: the values by key; yours to change. A key that you leave out is gone for the new code only.
            from_version: their version; return values of the version after it.
        """
        return values
