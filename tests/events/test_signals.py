"""One Django signal for each event type and moment."""

from __future__ import annotations

import pytest
from django.dispatch import Signal

from gridkit_django.events import EVENT_TYPES, Moment, all_signals, signal_for
from gridkit_django.exceptions import UnknownEventTypeError


def test_each_type_and_moment_has_a_signal_of_its_own() -> None:
    signals = list(all_signals())
    assert {(name, moment) for name, moment, _ in signals} == {(n, m) for n in EVENT_TYPES for m in Moment}
    assert len({id(signal) for _, _, signal in signals}) == len(EVENT_TYPES) * 3
    assert all(isinstance(signal, Signal) and signal_for(name, moment) is signal for name, moment, signal in signals)


def test_signal_is_found_by_alias_by_moments_text_and_is_after_by_default() -> None:
    assert signal_for("row:add", "before") is signal_for("row:create", Moment.BEFORE)
    assert signal_for("row:create") is signal_for("row:create", Moment.AFTER)


def test_unknown_type_or_moment_is_refused() -> None:
    with pytest.raises(UnknownEventTypeError):
        signal_for("row:*")
    with pytest.raises(ValueError, match="during"):
        signal_for("row:update", "during")
