"""Who may be tracked: consent, Do Not Track and the share of users that is looked at."""

from __future__ import annotations

from django.contrib.auth import get_user_model

from gridkit_django.events import ActorKind, GridEvent
from gridkit_django.plugins import site_function
from gridkit_plugins.analytics.config import AnalyticsConfig
from gridkit_plugins.analytics.identity import pseudonym

_WHOLE = 16**8


def may_follow(event: GridEvent, config: AnalyticsConfig) -> bool:
    """Whether it may be told, and counted, who acted: the browser does not object, and the user agreed if he is asked.

    Args:
        event: what happened.
        config: of its grid.
    """
    if config.respect_dnt and event.visit.is_private:
        return False
    if not config.consent:
        return True
    return event.actor.kind == ActorKind.USER and _agreed(config.consent, event.actor.id)


def is_sampled(event: GridEvent, config: AnalyticsConfig) -> bool:
    """Whether the person is among those whose events are told. A person is in or out as a whole.

    Args:
        event: what happened.
        config: of its grid.
    """
    share = min([config.sample, *_shares_of_groups(event, config)])
    if share >= 1:
        return True
    who = event.actor.id or event.visit.device or event.visit.session
    return int(pseudonym(config, "sample", who)[:8], 16) < share * _WHOLE


def _agreed(consent: str, user_id: str) -> bool:
    if "." in consent:
        return site_function(consent)(user_id) is True
    user = get_user_model()._default_manager.filter(pk=user_id).first()
    return getattr(user, consent, None) is True


def _shares_of_groups(event: GridEvent, config: AnalyticsConfig) -> list[float]:
    if not config.sample_groups or event.actor.kind != ActorKind.USER:
        return []
    users = get_user_model()._default_manager.filter(pk=event.actor.id)
    return [
        config.sample_groups[name]
        for name in users.values_list("groups__name", flat=True)
        if name in config.sample_groups
    ]
