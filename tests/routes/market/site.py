"""Settings of the sites: the example project, with what the tests set through the environment."""

from __future__ import annotations

import json
import os
import platform
from typing import Any

from example_project.settings import *  # noqa: F403
from example_project.settings import GRIDKIT as EXAMPLE

GRIDKIT: dict[str, Any] = {**EXAMPLE, **json.loads(os.environ["GRIDKIT_MORE"])}

if name := os.environ.get("GRIDKIT_HOST_NAME"):  # one machine stands for several hosts
    platform.node = lambda: name
