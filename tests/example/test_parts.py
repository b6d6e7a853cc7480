from __future__ import annotations

import os
import signal

import pytest

from example_project.runner.parts import STOP_SIGNALS, PartFailedError, StopRequested, leave, run, stopping_by_signal


class Recorder:
    """A part that writes down what is done to it.

    Args:
        name: Its name.
        log: Where it writes.
        fails: Whether it can't start.
        lives: How many looks it stays alive for.
    """

    def __init__(self, name: str, log: list[str], *, fails: bool = False, lives: int = 1000) -> None:
        self.name = name
        self._log = log
        self._fails = fails
        self._lives = lives

    def start(self) -> None:
        self._log.append(f"start {self.name}")
        if self._fails:
            raise PartFailedError(f"{self.name} can't start.")

    def wait_ready(self) -> None:
        self._log.append(f"ready {self.name}")

    def ask_to_stop(self) -> None:
        self._log.append(f"ask {self.name}")

    def alive(self) -> bool:
        self._lives -= 1
        return self._lives >= 0

    def stop(self) -> None:
        self._log.append(f"stop {self.name}")


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_run_until_a_signal_asks_every_part_before_it_waits_for_any(number: signal.Signals):
    log: list[str] = []

    def announce() -> None:
        log.append("announce")
        os.kill(os.getpid(), number)

    with stopping_by_signal(), pytest.raises(StopRequested):
        run([Recorder("worker", log), Recorder("web", log)], announce)

    assert log[:5] == ["start worker", "start web", "ready worker", "ready web", "announce"]
    assert log[5:] == ["ask web", "ask worker", "stop web", "stop worker"]


def test_run_with_a_part_that_fails_to_start_stops_what_was_started_and_starts_no_more():
    log: list[str] = []
    parts = [Recorder("worker", log), Recorder("web", log, fails=True), Recorder("third", log)]

    with pytest.raises(PartFailedError, match=r"web can't start\."):
        run(parts, lambda: log.append("announce"))

    assert log == ["start worker", "start web", "stop web", "stop worker"]


def test_run_with_a_part_that_ends_by_itself_names_it_and_stops_the_others():
    log: list[str] = []

    with pytest.raises(PartFailedError, match="The worker ended unexpectedly"):
        run([Recorder("The worker", log, lives=1), Recorder("The web", log)], lambda: None)

    assert log[-2:] == ["stop The web", "stop The worker"]


def test_second_signal_does_not_interrupt_the_stopping():
    with stopping_by_signal():
        with pytest.raises(StopRequested):
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)


def test_signal_handlers_are_put_back_afterwards():
    before = [signal.getsignal(number) for number in STOP_SIGNALS]

    with stopping_by_signal():
        assert [signal.getsignal(number) for number in STOP_SIGNALS] != before

    assert [signal.getsignal(number) for number in STOP_SIGNALS] == before


def test_process_with_a_part_that_can_not_be_stopped_ends_at_once():
    codes: list[int] = []

    leave([Recorder("stuck", [])], codes.append)

    assert codes == [1]


def test_process_whose_parts_have_stopped_ends_in_the_ordinary_way():
    codes: list[int] = []

    leave([Recorder("gone", [], lives=0)], codes.append)

    assert codes == []
