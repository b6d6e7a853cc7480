"""Capture: every write of the ORM to a followed model leaves its record, in the same transaction."""

from __future__ import annotations

from gridkit_django.audit.capture.watcher import Capture

__all__ = ["Capture"]
