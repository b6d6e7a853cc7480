"""The breaker: when calls are left out, for how long, and what ends it."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gridkit_django.plugins.breaker import PAUSE_SECONDS_MAX, Breaker, BreakerRule

RULE = BreakerRule(slow_calls=3, seconds=30)


def test_calls_are_left_out_after_so_many_slow_ones_in_a_row() -> None:
    breaker = Breaker()
    for _ in range(2):
        breaker.slow(0, RULE)
    assert (breaker.refuses(0), breaker.is_watchful) == (False, True)
    breaker.quick()
    assert not breaker.is_watchful
    for _ in range(3):
        breaker.slow(0, RULE)
    assert (breaker.take_news(), breaker.take_news()) == (30, None)
    assert breaker.refuses(29.9)


def test_one_call_is_tried_after_the_pause_and_decides() -> None:
    breaker = opened()
    assert not breaker.refuses(30)
    assert breaker.refuses(30), "only one is tried"
    breaker.slow(31, RULE)
    assert breaker.take_news() == 60
    assert breaker.refuses(90.9)
    assert not breaker.refuses(91)
    breaker.quick()
    assert (breaker.take_news(), breaker.is_open, breaker.refuses(91)) == (0, False, False)


def test_pause_doubles_up_to_an_hour_and_begins_anew_after_a_quick_call() -> None:
    breaker, now, pauses = opened(), 30.0, []
    for _ in range(10):
        assert not breaker.refuses(now)
        breaker.slow(now, RULE)
        pauses.append(breaker.take_news() or 0)
        now += pauses[-1]
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]
    assert not breaker.refuses(now)
    breaker.quick()
    for _ in range(3):
        breaker.slow(now, RULE)
    breaker.take_news()
    assert not breaker.refuses(now + 30)


def test_call_that_began_before_the_pause_proves_nothing() -> None:
    breaker = opened()
    breaker.quick()
    breaker.slow(1, RULE)
    assert breaker.take_news() is None
    assert breaker.refuses(29)


def test_zero_slow_calls_mean_never() -> None:
    breaker = Breaker()
    for _ in range(100):
        breaker.slow(0, BreakerRule(0, 30))
    assert not breaker.refuses(0)


def opened() -> Breaker:
    breaker = Breaker()
    for _ in range(3):
        breaker.slow(0, RULE)
    breaker.take_news()
    return breaker


class Machine(RuleBasedStateMachine):
    """Any order of calls and times, beside a model that is as simple as the promise."""

    @initialize()
    def begin(self) -> None:
        self.breaker, self.now, self.row = Breaker(), 0.0, 0
        self.until: float | None = None
        self.pauses, self.trial = 0, False

    @rule(seconds=st.floats(min_value=0, max_value=5000))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(is_slow=st.booleans())
    def call(self, is_slow: bool) -> None:
        refused = self.breaker.refuses(self.now)
        assert refused == (self.until is not None and (self.trial or self.now < self.until))
        if refused:
            return
        self.row = self.row + 1 if is_slow else 0
        if is_slow and (self.until is not None or self.row >= RULE.slow_calls):
            pause = min(RULE.seconds * 2**self.pauses, PAUSE_SECONDS_MAX)
            self.until, self.pauses = self.now + pause, self.pauses + 1
        elif not is_slow:
            self.until, self.pauses = None, 0
        self.breaker.slow(self.now, RULE) if is_slow else self.breaker.quick()

    @precondition(lambda self: self.until is not None and self.now >= self.until and not self.trial)
    @rule()
    def a_trial_hangs(self) -> None:
        assert not self.breaker.refuses(self.now)
        self.trial = True

    @precondition(lambda self: self.trial)
    @rule()
    def the_trial_ends_quickly(self) -> None:
        self.breaker.quick()
        self.trial, self.until, self.pauses, self.row = False, None, 0, 0

    @invariant()
    def it_is_open_when_the_model_is(self) -> None:
        assert self.breaker.is_open == (self.until is not None)


TestBreakerMachine = Machine.TestCase
