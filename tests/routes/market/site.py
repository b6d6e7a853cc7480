"""Settings of the two sites: the example project, with what the tests set through the environment."""

from __future__ import annotations

import json
import os
from typing import Any

from example_project.settings import *  # noqa: F403
from example_project.settings import GRIDKIT as EXAMPLE

GRIDKIT: dict[str, Any] = {**EXAMPLE, **json.loads(os.environ["GRIDKIT_MORE"])}
