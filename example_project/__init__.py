"""The example project: GridKit over 336,776 real flights. Read it as a model of how a site uses GridKit.

The Celery application is loaded with Django, so that every process sends its tasks to the same broker.
"""

from __future__ import annotations

from example_project.celery import app as celery_app

__all__ = ["celery_app"]
