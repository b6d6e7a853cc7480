"""The pytest plugin, named in the entry-point group ``pytest11``.

Every pytest run on a machine that has ``gridkit-django`` loads this module, so it imports nothing. The fixtures are
loaded when the session starts, and only where Django is set up with ``gridkit_django`` among its apps.
"""

from __future__ import annotations

import sys

import pytest

FIXTURES = "gridkit_django.testing.fixtures"


def pytest_sessionstart(session: pytest.Session) -> None:
    """Load the fixtures where there is a site to use them on."""
    if _is_site():
        session.config.pluginmanager.import_plugin(FIXTURES)


def _is_site() -> bool:
    """Whether this process is a Django site with GridKit, without importing anything to find out."""
    django_apps = sys.modules.get("django.apps")
    return django_apps is not None and django_apps.apps.ready and django_apps.apps.is_installed("gridkit_django")
