"""Functions of the site that configurations of plugins name: who may configure a plugin must not call just any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.module_loading import import_string

from gridkit_django.conf import settings
from gridkit_django.exceptions import PluginConfigError


def check_site_function(path: str) -> str:
    """Return the dotted path of a function that configurations of plugins may name; nothing is imported.

    Args:
        path: the dotted path.

    Raises:
        PluginConfigError: when the settings do not list it.
    """
    if path not in settings().PLUGIN_FUNCTIONS:
        raise PluginConfigError(
            f"{path[:200]!a} is a function that nobody has allowed. Who runs the site has to list it in "
            "GRIDKIT['PLUGIN_FUNCTIONS']."
        )
    return path


def site_function(path: str) -> Callable[..., Any]:
    """Return such a function.

    Args:
        path: its dotted path.

    Raises:
        PluginConfigError: when the settings do not list it.
        ImportError: when there is no such function.
    """
    found: Callable[..., Any] = import_string(check_site_function(path))
    return found
