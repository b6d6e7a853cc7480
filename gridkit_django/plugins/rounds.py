"""One event's round through the handlers: quick while all is plain, careful where something is not.

The end of one call is the start of the next, so a round of plain and quick calls costs one time stamp for each, and is
counted later. Whatever is not plain (a handler that fails, is slow, was slow before, is left out, is observed) ends
that chain of stamps: its calls are counted one by one, and another chain begins.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from time import perf_counter_ns
from typing import Protocol, TypeAlias

from gridkit_django.events import GridEvent
from gridkit_django.exceptions import EventRejected
from gridkit_django.plugins.breaker import Breaker
from gridkit_django.plugins.here import QUICK_NS, Here, own_time
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.savepoints import CallGuard, open_guard
from gridkit_django.plugins.table import Route, Subscription


class RoundJudge(Protocol):
    """Decides what follows from what happened in a round."""

    def handler_failed(self, item: Subscription, event: GridEvent, error: BaseException) -> None:
        """A handler raised what is no proper answer; raises when the act has to fail with it."""
        ...

    def tell_pause(self, owner: LivePlugin, name: str, breaker: Breaker) -> None:
        """A handler is left out from now on, or called again: tell what its breaker has for news."""
        ...


_Start: TypeAlias = tuple[Route, Here, RoundJudge, CallGuard | None, bool, list[int], int, tuple[int, int]]


def go_round(route: Route, event: GridEvent, mine: Here, judge: RoundJudge, *, may_veto: bool) -> None:
    """Call the handlers of a route in their order.

    Args:
        route: who is called.
        event: with what.
        mine: this thread.
        judge: decides about failures.
        may_veto: whether ``EventRejected`` is a proper answer.

    Raises:
        EventRejected: when a handler vetoes.
        PluginHandlerError: when a critical handler raises.
        BaseException: what is no ``Exception`` and no ``SystemExit``.
    """
    clock, guard, tally, turn = perf_counter_ns, open_guard(mine), route.tally, None
    if tally.attentive:
        tally.attentive -= 1
        mine.read_cpu()
    stamps = [clock()]
    start = (route, mine, judge, guard, may_veto, stamps, mine.cpu_ns, mine.spent)
    stamp, limit = stamps.append, stamps[0] + QUICK_NS
    if guard is not None:
        guard.attach()
    try:
        for item, handler in route.calls:
            if not item.is_plain:
                turn = turn or _Round(start)
                limit = turn.call_carefully(item, event)
                continue
            try:
                handler(event)
                if guard is not None:
                    guard.settle(None)
            except BaseException as error:  # noqa: BLE001 - judged; what may not be kept is raised on
                turn = turn or _Round(start)
                limit = turn.failed(item, event, error)
                continue
            stamp(now := clock())
            if now > limit:
                turn = turn or _Round(start)
                limit = turn.was_long()
        if turn is None:
            tally.add(stamps)
        else:
            turn.end()
    finally:
        if guard is not None:
            guard.detach()


class _Round:
    """A round in which something was not plain or not quick.

    Args:
        start: route, thread, judge, guard, whether a veto is proper, the chain of stamps until now, and what the
            thread's processor clock and ``spent`` were when it began.
    """

    __slots__ = ("_cpu", "_first", "_guard", "_judge", "_may_veto", "_mine", "_route", "_spent", "_stamps")

    def __init__(self, start: _Start) -> None:
        self._route, self._mine, self._judge, self._guard, self._may_veto = start[:5]
        self._stamps, self._cpu, self._spent = start[5:]
        self._first = 0

    def end(self) -> None:
        """End the round."""
        self._count_quick(self._stamps)

    def was_long(self) -> int:
        """The newest call of the chain made it too long to be a quick one."""
        self._route.tally.was_long()
        self._count_last(None)
        return self._again(0)

    def failed(self, item: Subscription, event: GridEvent, error: BaseException) -> int:
        """The handler after the chain raised; or what it did could not be kept."""
        self._stamps.append(perf_counter_ns())
        if self._guard is not None:
            self._guard.settle(error)
        is_veto = self._may_veto and isinstance(error, EventRejected)
        self._count_last(None if is_veto else error)
        if is_veto or not isinstance(error, (Exception, SystemExit)):
            raise error
        with self._between_calls():
            self._judge.handler_failed(item, event, error)
        return self._again(0)

    def call_carefully(self, item: Subscription, event: GridEvent) -> int:
        """Call a handler that is not plain, or leave it out; in a chain of its own."""
        self._count_quick(self._stamps)
        limit = self._again(1)
        if not item.is_heard:
            return limit
        if item.breaker.refuses(time.monotonic()) and not item.is_critical:
            item.stats.skip()
            return limit
        self._first -= 1
        try:
            item.handler(event)
            if self._guard is not None:
                self._guard.settle(None)
        except BaseException as error:  # noqa: BLE001 - judged; what may not be kept is raised on
            return self.failed(item, event, error)
        self._stamps.append(perf_counter_ns())
        self._count_last(None)
        return self._again(0)

    def _again(self, left_out: int) -> int:
        """Begin another chain, after the calls of this one and those that were left out; until when it is quick."""
        self._first += len(self._stamps) - 1 + left_out
        self._spent, self._cpu = self._mine.spent, self._mine.read_cpu()
        self._stamps.clear()
        self._stamps.append(perf_counter_ns())
        return self._stamps[0] + QUICK_NS

    def _count_quick(self, stamps: list[int]) -> None:
        """Count the calls of a chain that was quick as a whole."""
        for number, (began, ended) in enumerate(pairwise(stamps)):
            item = self._route.calls[self._first + number][0]
            self._count(item, ended - began, ended - began, None)

    def _count_last(self, error: BaseException | None) -> None:
        """Count the calls of a chain; all but the last one were quick."""
        stamps = self._stamps
        self._count_quick(stamps[:-1])
        wall, cpu = own_time(self._mine, self._spent, stamps[-1] - stamps[0], self._mine.read_cpu() - self._cpu)
        before = stamps[-2] - stamps[0]
        item = self._route.calls[self._first + len(stamps) - 2][0]
        self._count(item, max(0, wall - before), max(0, cpu - before), error)

    def _count(self, item: Subscription, wall_ns: int, cpu_ns: int, error: BaseException | None) -> None:
        """Count one call, and let the breaker judge it."""
        owner = item.owner
        owner.count(item.stats, wall_ns, cpu_ns, error, item.breaker)
        if error is None:
            owner.succeeded()
        if item.is_plain is item.breaker.is_watchful:
            item.refresh()
        if item.breaker.news is not None and not item.is_critical:
            with self._between_calls():
                self._judge.tell_pause(owner, item.stats.name, item.breaker)

    def _between_calls(self) -> AbstractContextManager[None]:
        """Return a block for what the runtime itself does to the database; no handler's failure undoes it."""
        return nullcontext() if self._guard is None else self._guard.resting()
