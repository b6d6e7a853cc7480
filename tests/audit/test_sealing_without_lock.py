"""Two sealers on SQLite, which has no lock of its own for them: the number of the seal lets one of them win."""

from __future__ import annotations

import pytest

from gridkit_django.audit.sealing import sealer as sealing
from gridkit_django.audit.sealing.window import Window, next_window
from gridkit_django.audit.verify import DatabaseVerifier
from gridkit_django.models import AuditSeal
from tests.audit.chains import key, sealed_ids, sealer, trusting, write

pytestmark = pytest.mark.django_db


def test_sealer_that_comes_second_makes_no_seal(monkeypatch: pytest.MonkeyPatch) -> None:
    made, signer = write(2), key()

    def slow(alias: str, last: AuditSeal | None, limit: int) -> Window:
        found = next_window(alias, last, limit)
        monkeypatch.setattr(sealing, "next_window", next_window)
        assert sealer(signer).run().records == 2, "the other one was quicker"
        return found

    monkeypatch.setattr(sealing, "next_window", slow)
    assert sealer(signer).seal_next() is None
    assert sealed_ids() == [item.pk for item in made]
    assert DatabaseVerifier("default", trusted=trusting(signer)).run().is_good
