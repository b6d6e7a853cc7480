"""The exception handler of our views: whatever happens, the client gets a problem document."""

from __future__ import annotations

import logging
from typing import Any

from django.core.signals import got_request_exception
from rest_framework.response import Response
from rest_framework.views import set_rollback

from gridkit_django.api.problems import MEDIA_TYPE, problem_of
from gridkit_django.exceptions import GridKitError

logger = logging.getLogger("gridkit_django.api")


def problem_handler(error: Exception, context: dict[str, Any]) -> Response:
    """Turn any exception of a view into a problem document.

    Faults of the site are logged with their traceback and announced with Django's ``got_request_exception``, so
    that error trackers see them.

    Args:
        error: what was raised.
        context: DRF's: the ``view`` (which knows the request's id) and the ``request``.
    """
    problem = problem_of(error)
    set_rollback()
    if problem.status >= 500:
        _report(error, context)
    request = context["request"]
    document = problem.document(instance=request.path, request_id=context["view"].request_id)
    return Response(document, status=problem.status, headers=dict(problem.headers), content_type=MEDIA_TYPE)


def _report(error: Exception, context: dict[str, Any]) -> None:
    view = context["view"]
    logger.error("Request %s failed in %s", view.request_id, type(view).__name__, exc_info=error)
    if not isinstance(error, GridKitError):
        got_request_exception.send(sender=type(view), request=context["request"])
