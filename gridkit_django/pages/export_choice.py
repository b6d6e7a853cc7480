"""Which of one's exports the page shows: by words, state, format and grid, from its address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from gridkit_django.models import ExportJob, JobState

WORDS_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Box:
    """One list to choose from.

    Attributes:
        name: in the address.
        label: over the list.
        options: value and text of each choice.
        value: what is chosen; empty for all.
    """

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    value: str


class JobChoice:
    """Reads the choice from the address. A value that is not offered chooses nothing away.

    Args:
        own: the jobs of the reader.
        asked: the parameters of the address.
        labels: names of the grids that the reader may open, by id.
    """

    def __init__(self, own: QuerySet[ExportJob], asked: Mapping[str, str], labels: Mapping[str, str]) -> None:
        self.words = asked.get("q", "").replace("\0", "").strip()[:WORDS_LENGTH_MAX]
        self.any_jobs = own.exists()
        self._labels = labels
        formats = sorted(set(own.order_by().values_list("format", flat=True).distinct()))
        grids = sorted(set(own.order_by().values_list("grid", flat=True).distinct()))
        states = tuple((str(value), str(label)) for value, label in JobState.choices)
        self.boxes = (
            _box("state", _("State"), states, asked),
            _box("format", _("Format"), tuple((name, name.upper()) for name in formats), asked),
            _box("grid", _("Grid"), tuple((name, labels.get(name, name)) for name in grids), asked),
        )
        chosen = {box.name: box.value for box in self.boxes if box.value}
        self.jobs = own.filter(self._matching(), **chosen)
        self.is_narrow = bool(chosen or self.words)
        self.address = urlencode({**({"q": self.words} if self.words else {}), **chosen})

    def _matching(self) -> Q:
        wanted = Q()
        for word in self.words.split():
            grids = [name for name, label in self._labels.items() if word.lower() in label.lower()]
            wanted &= (
                Q(download_name__icontains=word)
                | Q(grid__icontains=word)
                | Q(grid__in=grids)
                | Q(schedule__name__icontains=word)
                | Q(error_detail__icontains=word)
            )
        return wanted


def _box(name: str, label: str, options: tuple[tuple[str, str], ...], asked: Mapping[str, str]) -> Box:
    value = asked.get(name, "")
    return Box(name, label, options, value if value in dict(options) else "")
