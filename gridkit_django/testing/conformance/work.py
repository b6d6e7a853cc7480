"""What a plugin does while it is at work: its handlers, its methods, its health, its limits."""

from __future__ import annotations

from collections.abc import Sequence

from gridkit_django.conf import settings
from gridkit_django.exceptions import GridKitError, MethodArgumentsError, PluginMethodError
from gridkit_django.models import HealthStatus
from gridkit_django.plugins.storage import DatabaseStorage
from gridkit_django.testing.conformance.subject import Subject, fail, faults
from gridkit_django.testing.starter import StartedPlugin
from gridkit_django.typing import JSONObject

ROUNDS = 50
STORAGE_SHARE = 0.9
HEALTH_CHECKS = 3


def check_handlers(subject: Subject) -> None:
    """Every handler survives every event that it listens to, those with empty values too."""
    with subject.started() as plugin:
        subject.exercise(plugin)
        if found := faults(plugin):
            fail(
                f"A handler raised: {'; '.join(found)}.",
                "Values of a payload may be None or missing.",
            )


def check_methods(subject: Subject) -> None:
    """Every method answers the sample arguments with JSON, and a call without arguments with an answer or a refusal."""
    with subject.started() as plugin:
        methods = plugin.live.methods
        if unknown := sorted(set(subject.arguments) - set(methods)):
            fail(f"arguments names methods that it does not offer: {', '.join(unknown)}.", "Mend the suite.")
        for name in sorted(methods):
            _judge_method(plugin, name, subject.arguments.get(name, ()))


def check_health(subject: Subject) -> None:
    """health_check answers within its deadline, again and again, and is not unhealthy."""
    with subject.started() as plugin:
        for _ in range(HEALTH_CHECKS):
            health = plugin.health()
            if health.status == HealthStatus.UNHEALTHY:
                fail(f"Its health is {health.status}: {health.message}", "Return a PluginHealth at once.")


def check_limits(subject: Subject) -> None:
    """Under many events no handler is slow, no limit is met, and the storage does not fill up."""
    with subject.started() as plugin:
        limits = plugin.live.metadata.resource_limits
        subject.exercise(plugin, ROUNDS)
        if found := faults(plugin):
            fail(f"Under {ROUNDS} rounds of events: {'; '.join(found)}.", "Do less, or raise the limit in plugin.toml.")
        used, most = DatabaseStorage(plugin.id, limits.max_storage_mb).used_bytes(), limits.max_storage_mb * 1_000_000
        if used and used > most * STORAGE_SHARE:
            fail(f"Its storage is nearly full after {ROUNDS} rounds: {used} of {most} bytes.", "Delete what is old.")
        budget = settings().HANDLER_BUDGET_MS
        # The median, because a machine that is busy makes single calls slow.
        if slow := [f"{item.name} ({item.p50_ms:.0f} ms)" for item in plugin.usage().calls if item.p50_ms > budget]:
            fail(f"Slower than HANDLER_BUDGET_MS: {', '.join(slow)}.", "Move the work to a job.")


def _judge_method(plugin: StartedPlugin, name: str, samples: Sequence[JSONObject]) -> None:
    answered = _answers(plugin, name, {})
    if not samples and not answered:
        fail(
            f"The method {name!r} takes arguments and was never called.",
            f'Give the suite some: arguments = {{"{name}": [{{...}}]}}.',
        )
    for sample in samples:
        if not _answers(plugin, name, sample):
            fail(f"The method {name!r} refuses the sample {dict(sample)!r}.", "Mend the sample, or the schema.")


def _answers(plugin: StartedPlugin, name: str, arguments: JSONObject) -> bool:
    """Call a method; False when it refuses the arguments by its schema."""
    try:
        plugin.answer(name, arguments)
    except MethodArgumentsError:
        return False
    except PluginMethodError as error:
        cause = error.__cause__ or error
        fail(f"The method {name!r} raised {type(cause).__name__}: {cause}.", "Let the schema refuse what it can't do.")
    except GridKitError:
        return True  # a refusal of the tree is an answer: the caller's rights, a query that can't be understood
    return True
