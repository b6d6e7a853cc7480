"""Sphinx configuration. Build with ``make docs``; warnings are errors."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django

from gridkit_django import __version__

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")
django.setup()
sys.path.insert(0, str(Path(__file__).parent))

project = "GridKit for Django"
author = "GridKit Team"
copyright = "2026, GridKit Team"
release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton", "settings_directive"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "GridKit for Django"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
copybutton_prompt_text = "$ "
