"""What a plugin does with all, with no and with some of the permissions that it asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import connection

from gridkit_django.exceptions import PluginError, PluginInitializeError, PluginPermissionError
from gridkit_django.models import EffectiveState, HealthStatus
from gridkit_django.testing.conformance.subject import Subject, fail, faults
from gridkit_django.testing.starter import StartedPlugin

_TABLE = re.compile(r'(?:FROM|JOIN|INTO|TABLE|(?<!FOR )(?<!DO )UPDATE)\s+"?(\w+)"?', re.IGNORECASE)


def check_all_grants(subject: Subject) -> None:
    """With all that its manifest asks for it starts, is active and does not call itself unhealthy."""
    try:
        with subject.started() as plugin:
            _judge_state(plugin)
    except PluginError as error:
        fail(f"It does not start with all permissions granted: {error.detail}", "Ask for what it needs in plugin.toml.")


def check_no_grants(subject: Subject) -> None:
    """Without any permission it starts, or says that it may not; it never goes round its context."""
    watch = _TableWatch()
    with connection.execute_wrapper(watch), _started_or_refused(subject, grants=()) as plugin:
        if plugin is not None:
            plugin.object.health_check()
            subject.exercise(plugin)
    foreign = sorted(name for name in watch.tables if not name.startswith("gridkit_django_"))
    if foreign:
        fail(
            f"Without any permission it reads or writes tables of the site: {', '.join(foreign)}.",
            "Reach nothing but by self.context.",
        )


def check_some_grants(subject: Subject) -> None:
    """Without any one of its permissions it works on with less, or is told what is missing; nothing else breaks."""
    wanted = subject.metadata().required_permissions
    for missing in dict.fromkeys(wanted):
        with _started_or_refused(subject, [name for name in wanted if name != missing]) as plugin:
            if plugin is None:
                continue
            subject.exercise(plugin)
            found = faults(plugin, allowed=_is_refusal)
            if found:
                fail(f"Without {missing} it breaks: {'; '.join(found)}.", "Ask context.has_permission before you act.")


def _judge_state(plugin: StartedPlugin) -> None:
    info, health = plugin.info, plugin.health()
    if info.effective_state != EffectiveState.ACTIVE:
        fail(f"It is {info.effective_state}, not active: {info.state_reason}", "Mend what the reason names.")
    if health.status == HealthStatus.UNHEALTHY:
        fail(f"It calls itself unhealthy as soon as it starts: {health.message}", "Set config = {...} in the suite.")


@contextmanager
def _started_or_refused(subject: Subject, grants: Sequence[str]) -> Iterator[StartedPlugin | None]:
    """Have the plugin at work, or None where it said that a permission is missing."""
    with ExitStack() as stack:
        plugin: StartedPlugin | None = None
        try:
            plugin = stack.enter_context(subject.started(grants))
        except PluginInitializeError as error:
            if not isinstance(error.__cause__, PluginPermissionError):
                granted = ", ".join(grants) or "no permission"
                fail(
                    f"With {granted} granted it can't start, and not for that reason: {error.detail}",
                    "Let PluginPermissionError pass, or ask context.has_permission before you act.",
                )
        yield plugin


def _is_refusal(text: str) -> bool:
    return PluginPermissionError.__name__ in text


class _TableWatch:
    """Notes the tables that queries name."""

    def __init__(self) -> None:
        self.tables: set[str] = set()

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Note the tables of one query and let it pass."""
        self.tables.update(_TABLE.findall(sql))
        return execute(sql, params, many, context)
