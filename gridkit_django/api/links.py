"""Addresses inside the API, wherever the project has mounted it."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework.request import Request


def link(request: Request, name: str, **kwargs: Any) -> str:
    """Return the path of an endpoint, in the namespace that the request itself came in by.

    Args:
        request: the request.
        name: the endpoint's name in ``gridkit_django.api.urls``.
        kwargs: the parts of its path.
    """
    match = request._request.resolver_match  # noqa: SLF001 - DRF's own name for Django's request
    namespace = match.namespace if match else ""
    return reverse(f"{namespace}:{name}" if namespace else name, kwargs=kwargs)
