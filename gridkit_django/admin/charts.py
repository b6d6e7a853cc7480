"""Small charts as plain geometry, drawn by a template as SVG: no script, no library, and a table says the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString

WIDTH = 720
HEIGHT = 120
_GAP = 1.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        x, y, width, height: where it stands, in units of the drawing.
        bad: height of the part of it that failed, from the bottom up.
        title: what it says in words.
    """

    x: float
    y: float
    width: float
    height: float
    bad: float
    title: str

    @property
    def bad_y(self) -> float:
        """Where the failed part begins, from the top."""
        return HEIGHT - self.bad


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart.

    Attributes:
        title: what it shows, for everybody.
        most: the value that the top stands for, as text.
        first, last: labels of the two ends.
        bars: the bars, from left to right.
    """

    title: str
    most: str
    first: str
    last: str
    bars: tuple[Bar, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see."""
        return not any(bar.height for bar in self.bars)


@dataclass(frozen=True, slots=True)
class Point:
    """One value to be drawn.

    Attributes:
        label: when it was.
        value: how much; 0 or more.
        bad: how much of it failed; at most ``value``.
    """

    label: str
    value: float
    bad: float = 0.0


@dataclass(frozen=True, slots=True)
class Rank:
    """One line of a ranking.

    Attributes:
        label: what was counted.
        value: how much.
        share: the part of the largest value, 0 to 100.
    """

    label: str
    value: int
    share: float


def ranking(counts: Mapping[str, int]) -> list[Rank]:
    """Return counts as lines with a bar each, the largest first."""
    top = max(counts.values(), default=0) or 1
    lines = [Rank(label, value, round(100 * value / top, 1)) for label, value in counts.items()]
    return sorted(lines, key=lambda line: -line.value)


def amount(words: object, value: float, most: float) -> SafeString:
    """Return a number of a list in words, with a bar for its part of the largest one.

    Args:
        words: the number for everybody.
        value: how long the bar is; 0 or more.
        most: what a whole bar stands for.
    """
    width = f"{100 * min(value / most, 1):.1f}" if most else "0"
    return format_html(
        '{} <svg class="gridkit-amount" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" '
        'focusable="false"><rect class="gridkit-bar" width="{}" height="6"></rect></svg>',
        words,
        width,
    )


def bar_chart(title: str, points: Sequence[Point], *, unit: str = "", digits: int = 0) -> Chart:
    """Draw bars, the largest as high as the chart.

    Args:
        title: what it shows.
        points: from left to right.
        unit: stands behind each number.
        digits: digits after the point.
    """
    top = max((point.value for point in points), default=0) or 1
    step = WIDTH / max(len(points), 1)
    bars = tuple(
        Bar(
            x=round(index * step, 2),
            y=round(HEIGHT - HEIGHT * point.value / top, 2),
            width=round(max(step - _GAP, _GAP), 2),
            height=round(HEIGHT * point.value / top, 2),
            bad=round(HEIGHT * point.bad / top, 2),
            title=_said(point, unit, digits),
        )
        for index, point in enumerate(points)
    )
    ends = (points[0].label, points[-1].label) if points else ("", "")
    return Chart(title, _number(top, unit, digits), *ends, bars)


def _said(point: Point, unit: str, digits: int) -> str:
    failed = f" ({_number(point.bad, unit, digits)} !)" if point.bad else ""
    return f"{point.label}: {_number(point.value, unit, digits)}{failed}"


def _number(value: float, unit: str, digits: int) -> str:
    return f"{value:,.{digits}f}{unit and f' {unit}'}"
