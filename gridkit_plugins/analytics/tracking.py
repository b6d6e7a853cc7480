"""How an event of a grid becomes a tracked event."""

from __future__ import annotations

from gridkit_django.events import ActorKind, GridEvent
from gridkit_plugins.analytics.config import AnalyticsConfig
from gridkit_plugins.analytics.identity import user_of
from gridkit_plugins.analytics.naming import name_of
from gridkit_plugins.analytics.properties import properties_of
from gridkit_plugins.analytics.providers.base import Tracked


def tracked(event: GridEvent, config: AnalyticsConfig) -> Tracked | None:
    """Return what is told of an event; None when its grid does not track it.

    Args:
        event: what happened.
        config: of its grid.
    """
    found = name_of(config, event.type, in_bulk=event.bulk is not None)
    if found is None:
        return None
    return Tracked(
        id=event.id,
        name=found.name,
        at=int(event.timestamp.timestamp() * 1000),
        user=user_of(config, event.actor.id) if event.actor.kind == ActorKind.USER else "",
        session=event.visit.session,
        device=event.visit.device,
        properties=properties_of(event, config, found.fields),
    )
