"""Public door of the plugin runtime: what authors, faces and tests import. The modules behind may move."""

from __future__ import annotations

from gridkit_django.plugins.base import Plugin
from gridkit_django.plugins.context import PluginContext
from gridkit_django.plugins.handlers import handles
from gridkit_django.plugins.health import PluginHealth
from gridkit_django.plugins.limits import ResourceLimits, ResourceUsage
from gridkit_django.plugins.metadata import Category, PluginMetadata, Pricing, read_manifest
from gridkit_django.plugins.permissions import GrantTable, Permission

__all__ = [
    "Category",
    "GrantTable",
    "Permission",
    "Plugin",
    "PluginContext",
    "PluginHealth",
    "PluginMetadata",
    "Pricing",
    "ResourceLimits",
    "ResourceUsage",
    "handles",
    "read_manifest",
]
