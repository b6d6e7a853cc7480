"""It replaces functions and methods that belong to others, and puts nothing back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.core.paginator import Paginator

from gridkit_django.plugins import Plugin, PluginContext


def counted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that does the same and counts its calls."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        wrapper.calls += 1  # type: ignore[attr-defined]
        return function(*args, **kwargs)

    wrapper.calls = 0  # type: ignore[attr-defined]
    return wrapper


class Broken(Plugin):
    """It replaces functions and methods that belong to others, and puts nothing back."""

    def initialize(self, context: PluginContext) -> None:
        json.dumps = counted(json.dumps)
        Paginator.page = counted(Paginator.page)  # type: ignore[method-assign]
