"""What every test may ask for: real servers, a browser, people with rights."""

from __future__ import annotations

pytest_plugins = ["tests.servers.databases"]
