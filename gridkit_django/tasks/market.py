"""The marketplace's own work in the worker: checks of releases."""

from __future__ import annotations

import logging
from functools import partial

from celery import shared_task
from django.db import transaction

from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.marketplace import shelf, trust
from gridkit_django.marketplace.shelf.search.spelling import forget_unused
from gridkit_django.models import Release, ReleaseState
from gridkit_django.tasks.sending import send

logger = logging.getLogger("gridkit_django.tasks")

CHECK_SECONDS = 300
"""How long the checks of one release may take; what takes longer is an error, and keeps the quarantine."""


@shared_task(
    name="gridkit.check_release", ignore_result=True, soft_time_limit=CHECK_SECONDS, time_limit=CHECK_SECONDS + 30
)
def check_release(release_id: int) -> None:
    """Make the checks of one release, and publish it or keep it in quarantine.

    Args:
        release_id: primary key.
    """
    with acting(Actor.system("marketplace"), EventSource.SYSTEM):
        shelf.review.judge_release(release_id)


@shared_task(name="gridkit.check_waiting_releases", ignore_result=True)
def check_waiting_releases() -> int:
    """Check the releases whose message was lost, or whose worker died. Let Celery beat call it every few minutes."""
    waiting = shelf.review.waiting_for_checks()
    for release_id in waiting:
        check_release(release_id)
    return len(waiting)


@shared_task(name="gridkit.roll_up_market", ignore_result=True)
def roll_up_market() -> int:
    """Add what sites reported to the sums. Let Celery beat call it every few minutes."""
    return shelf.sums.roll_up()


@shared_task(name="gridkit.renew_market", ignore_result=True)
def renew_market() -> int:
    """Rank all plugins anew, and forget old reports and words. Let Celery beat call it once a day."""
    shelf.sums.forget_old_events()
    forget_unused()
    shelf.keys.note_trusted_keys()
    return shelf.sums.renew_ranking()


@shared_task(name="gridkit.check_identities", ignore_result=True)
def check_identities() -> int:
    """Look whether publishers can still prove who they are. Let Celery beat call it once a day."""
    with acting(Actor.system("marketplace"), EventSource.SYSTEM):
        return shelf.identity.look_for_all()


@shared_task(name="gridkit.sign_market", ignore_result=True)
def sign_market(*, refresh: bool = False) -> int:
    """Sign for what became public, and no longer for what is not. The worker needs the online key.

    Args:
        refresh: sign anew what grows old, too. Let Celery beat call it so every hour.
    """
    if not shelf.signing.signs():
        return 0
    done = shelf.signing.follow_shelf() + shelf.advisories.follow_advisories()
    if refresh:
        trust.TrustRepository.of_site().refresh()
    return done


def follow_changes(**_kwargs: object) -> None:
    """Receiver of ``shelf_changed``: let a worker sign; where the queue can't be reached, the hourly call does."""
    if shelf.signing.signs():
        try:
            send(sign_market, [])
        except Exception:  # whatever the queue's client raises: the releases know that they are behind
            logger.exception("The change of the marketplace could not be handed to a worker; it is signed later")


def enqueue_check(release: Release) -> None:
    """Let a worker check a release, if it waits for that, once the transaction under way has committed."""
    if release.state == ReleaseState.CHECKING:
        transaction.on_commit(partial(_send, release.pk), using=shelf.database.database())


def _send(release_id: int) -> None:
    """Hand a release to a worker; where the queue can't be reached, ``check_waiting_releases`` finds it later."""
    try:
        send(check_release, [release_id])
    except Exception:  # whatever the queue's client raises: the release is safe, and waits
        logger.exception("Release %s could not be handed to a worker; it waits", release_id)
