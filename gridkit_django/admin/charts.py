"""Small charts as plain geometry, drawn by a template as SVG: no script, no library, and a table says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
