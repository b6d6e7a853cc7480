"""What every test may ask for: real servers, the running example project, a browser."""

from __future__ import annotations

pytest_plugins = ["tests.servers.databases", "tests.servers.stack", "tests.servers.browser"]
