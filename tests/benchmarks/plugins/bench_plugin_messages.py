"""What a message from one plugin to another costs: rights, copy, guard and accounting included."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from gridkit_django.plugins import PluginContext
from gridkit_django.typing import JSONValue
from tests.benchmarks.harness import Variant, compare, table
from tests.benchmarks.plugins.samples import at_work, idle_plugin

MESSAGES = 1000
SMALL: JSONValue = {"rowId": "17"}
USUAL: JSONValue = {"rowId": "17", "count": 3, "tags": ["late", "seen"], "open": True}
LARGE: JSONValue = {"rows": [{"id": number, "note": "x" * 50} for number in range(100)]}


def run() -> Iterator[str]:
    """Compare with the copy alone that JSON would make, for three sizes."""
    with at_work([idle_plugin("bench-sender"), idle_plugin("bench-receiver")]) as manager:
        sender: Any = manager.runtime.live["bench-sender"].plugin
        for name, message in (("small", SMALL), ("usual", USUAL), ("large", LARGE)):
            yield _of(name, message, sender.context)


def _of(name: str, message: JSONValue, context: PluginContext) -> str:
    variants: dict[str, Variant] = {
        "json.loads(json.dumps(message))": lambda: json.loads(json.dumps(message)),
        "context.send_message": lambda: context.send_message("bench-receiver", message),
    }
    measured = compare({title: partial(_repeat, act) for title, act in variants.items()})
    size = f"{len(json.dumps(message))} bytes"
    return table(f"Message, {name}", measured, conditions={"messages in a run": MESSAGES, "message": size})


def _repeat(act: Variant) -> None:
    for _ in range(MESSAGES):
        act()
