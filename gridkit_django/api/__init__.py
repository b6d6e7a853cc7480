"""The HTTP API: a face over the services. It reads, asks the services, and answers; it holds no rule of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gridkit_django.doors import late_door

if TYPE_CHECKING:
    from gridkit_django.api import openapi
else:
    __getattr__ = late_door(__name__, {"openapi": ()})

__all__ = ["openapi"]
