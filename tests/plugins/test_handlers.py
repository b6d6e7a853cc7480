"""Marks on methods; nothing is connected by them."""

from __future__ import annotations

import pytest

from gridkit_django.events import GridEvent, Moment, Priority
from gridkit_django.exceptions import UnknownEventTypeError
from gridkit_django.plugins import Plugin, handles
from gridkit_django.plugins.handlers import HandlerMark, marked_handlers


class Base(Plugin):
    @handles("row:update", "row:add", priority="high")
    def act(self, event: GridEvent) -> None: ...


class Derived(Base):
    @handles("cell:*", moment="before")
    @handles("page:change", moment="committed")
    def look(self, event: GridEvent) -> None: ...

    @property
    def explosive(self) -> str:
        raise AssertionError("properties are not read")


def test_marks_are_found_on_bases_and_derived_classes() -> None:
    found = [(mark, handler.__name__) for mark, handler in marked_handlers(Derived())]
    assert found == [
        (HandlerMark("row:update", Moment.AFTER, Priority.HIGH), "act"),
        (HandlerMark("row:add", Moment.AFTER, Priority.HIGH), "act"),
        (HandlerMark("page:change", Moment.COMMITTED), "look"),
        (HandlerMark("cell:*", Moment.BEFORE), "look"),
    ]


def test_pattern_and_alias_are_resolved() -> None:
    assert HandlerMark("row:add").event_types == {"row:create"}
    assert "row:select" in HandlerMark("row:*").event_types


def test_unknown_event_type_is_found_at_once() -> None:
    with pytest.raises(UnknownEventTypeError):
        handles("row:fly")


@pytest.mark.parametrize("moment", ["before", "committed"])
def test_only_after_can_be_critical(moment: str) -> None:
    with pytest.raises(ValueError, match="after"):
        handles("row:update", moment=moment, critical=True)


@pytest.mark.parametrize("arguments", [{"moment": "soon"}, {"priority": "urgent"}])
def test_unknown_moment_or_priority_is_refused(arguments: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="is not a valid"):
        handles("row:update", **arguments)  # type: ignore[arg-type]


def test_no_pattern_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one event type"):
        handles()
