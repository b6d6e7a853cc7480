"""When a release came in and since when it is public: where a marketplace signs, that counts and not what it lists."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gridkit_django.exceptions import TrustTimesError
from gridkit_django.marketplace import trust
from gridkit_django.marketplace.client.wire import RemoteRelease

_FIELDS = ("uploaded_at", "released_at")


def as_signed(release: RemoteRelease, target: trust.TrustedTarget) -> RemoteRelease:
    """Return a release with the times that are signed; what is not signed is not known.

    Args:
        release: as it is listed.
        target: what is signed about its file.

    Raises:
        TrustTimesError: when other times are listed than signed.
    """
    signed = {name: _moment(target.custom.get(name)) for name in _FIELDS}
    for name, moment in signed.items():
        listed: datetime | None = getattr(release, name)
        if moment is not None and listed is not None and listed != moment:
            raise TrustTimesError(
                f"{release.filename} is listed with {name} {listed:%Y-%m-%d %H:%M:%S}, but {moment:%Y-%m-%d %H:%M:%S} "
                "is signed: somebody lets it look older or younger than it is. It was not used. Follow the marketplace "
                "anew; when that does not help, ask who runs it."
            )
    return release.model_copy(update=signed)


def times_of(release: RemoteRelease) -> dict[str, str | None]:
    """Return the times of a release as JSON values."""
    return release.model_dump(mode="json", include=set(_FIELDS))


def with_times(release: RemoteRelease, times: Mapping[str, Any]) -> RemoteRelease:
    """Return a release with times that ``times_of`` gave."""
    return RemoteRelease.model_validate({**release.model_dump(mode="json"), **times})


def _moment(text: Any) -> datetime | None:
    """Return a moment that is written with its time zone; None for all else."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return None if found.tzinfo is None else found
