"""What a load balancer asks: whether this process can serve."""

from __future__ import annotations

from django.db import DatabaseError, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from gridkit_django.models import RuntimeGeneration


@never_cache
@require_safe
@transaction.non_atomic_requests
def health(request: HttpRequest) -> JsonResponse:
    """Answer 200 while the database answers and has GridKit's tables, else 503; everybody may ask, and learns no more.

    It tells nothing of plugins, workers or Redis: a site serves its grids without them. ``metrics/`` tells of those.
    """
    try:
        RuntimeGeneration.objects.exists()
    except DatabaseError:
        return JsonResponse({"status": "unavailable"}, status=503)
    return JsonResponse({"status": "ok"})
