"""Refreshes of the catalogue as rows: who asked, how far each is, and what came of it, for people to read."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone

from gridkit_django.exceptions import MarketplaceError
from gridkit_django.marketplace.client.catalogue import database, refresh_catalogue
from gridkit_django.marketplace.client.watching import RefreshWatch
from gridkit_django.models import CatalogRefresh, RefreshState
from gridkit_django.plugins.change import author_of
from gridkit_django.typing import User

KEPT = 100
"""Refreshes that are kept, the newest."""

LOST_AFTER = timedelta(minutes=15)
"""A refresh that gave no sign of life for so long is lost: a page of a list takes far less."""

OPEN = (RefreshState.QUEUED, RefreshState.RUNNING)
"""The states of a refresh that has not ended."""

_LOST = "The worker that followed the marketplaces was lost, or none took it up. Ask again."


def request_refresh(user: User | None) -> tuple[CatalogRefresh, bool]:
    """Write down that somebody wants the marketplaces followed now. The caller lets a worker do it.

    Args:
        user: who asks.

    Returns:
        The refresh, and whether it is a new one: one that somebody asked for and that is under way is enough.
    """
    _end_lost()
    rows = CatalogRefresh.objects.using(database())
    found = rows.filter(state__in=OPEN, requested_by__isnull=False).first()
    if found is not None:
        return found, False
    return rows.create(requested_by=author_of(user), seen_at=timezone.now()), True


def run_refresh(refresh_id: uuid.UUID | str | None = None, *, now: bool = False) -> dict[str, str]:
    """Follow the marketplaces, and write down how far that is.

    Args:
        refresh_id: what somebody asked for; None when it comes by itself. Then it is written down only when a
            marketplace is asked at all.
        now: ask also those that are left in peace for a while after failures.

    Returns:
        The error by marketplace, see ``refresh_catalogue``.

    Raises:
        SettingsError: when the settings are wrong.
    """
    _end_lost()
    scribe = _Scribe(refresh_id)
    try:
        told = refresh_catalogue(now=now, watch=scribe)
    except Exception as error:
        scribe.fails(f"{type(error).__name__}: {error}")
        raise
    scribe.finishes()
    _prune()
    return told


def fail_refresh(refresh: CatalogRefresh, error: str) -> None:
    """End a refresh that no worker can be asked for."""
    rows = CatalogRefresh.objects.using(database()).filter(pk=refresh.pk, state__in=OPEN)
    rows.update(state=RefreshState.FAILED, error=error, finished_at=timezone.now())


class _Scribe(RefreshWatch):
    """Writes down how far a refresh is."""

    def __init__(self, refresh_id: uuid.UUID | str | None) -> None:
        rows = CatalogRefresh.objects.using(database())
        self._row = rows.filter(pk=refresh_id).first() if refresh_id is not None else None
        self._facts: dict[str, Any] = {}
        self._began, self._part = 0.0, (0, 1)
        if self._row is not None:
            self._begin(self._row)

    def begins(self, alias: str, number: int, count: int) -> None:
        if self._row is None:
            self._row = CatalogRefresh()
            self._begin(self._row)
        self._began, self._part = time.monotonic(), (number, count)
        self._facts = {"taken": 0, "removed": 0, "left_out": 0, "seconds": None, "code": "", "error": ""}
        self._row.results[alias] = self._facts
        self._write(0.0)

    def takes(self, taken: int, removed: int, share: float) -> None:
        self._facts["taken"] += taken
        self._facts["removed"] += removed
        self._write(share)

    def ends(self, left_out: int, error: MarketplaceError | None) -> None:
        self._facts.update(left_out=left_out, seconds=round(time.monotonic() - self._began, 2))
        if error is not None:
            self._facts.update(code=error.code, error=error.detail)
        self._write(1.0)

    def finishes(self) -> None:
        """Write the end: it has failed when a marketplace could not be followed."""
        if self._row is not None:
            bad = any(facts["error"] for facts in self._row.results.values())
            self._end(self._row, RefreshState.FAILED if bad else RefreshState.FINISHED)

    def fails(self, error: str) -> None:
        """Write that it broke off."""
        if self._row is not None:
            self._row.error = error
            self._end(self._row, RefreshState.FAILED)

    def _begin(self, row: CatalogRefresh) -> None:
        now = timezone.now()
        row.state, row.started_at, row.seen_at = RefreshState.RUNNING, row.started_at or now, now
        row.finished_at, row.error = None, ""
        row.save(using=database())

    def _write(self, share: float) -> None:
        number, count = self._part
        if self._row is not None:
            self._row.progress = min((number + min(share, 1.0)) / count, 0.99)
            self._row.seen_at = timezone.now()
            self._row.save(using=database(), update_fields=["progress", "results", "seen_at"])

    def _end(self, row: CatalogRefresh, state: RefreshState) -> None:
        row.state, row.finished_at, row.progress = state, timezone.now(), 1.0
        row.save(using=database())


def _end_lost() -> None:
    """End what nobody goes on with, so that nobody waits for it."""
    rows = CatalogRefresh.objects.using(database()).filter(state__in=OPEN, seen_at__lt=timezone.now() - LOST_AFTER)
    rows.update(state=RefreshState.FAILED, error=_LOST, finished_at=timezone.now())


def _prune() -> None:
    rows = CatalogRefresh.objects.using(database())
    old = list(rows.values_list("pk", flat=True)[KEPT : 2 * KEPT])
    if old:
        rows.filter(pk__in=old).delete()
