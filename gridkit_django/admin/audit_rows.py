"""The table of audit records. Its rows are drawn in Python: a template of this form costs half a millisecond a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from gridkit_django.admin.audit_links import list_address
from gridkit_django.admin.audit_values import SHORT_MAX, Fields, short_differences
from gridkit_django.grids.audit_reading import SeenRecord

_REASON_MAX = 80
_NOTHING = '<span class="gridkit-none">&ndash;</span>'


def table_of(records: Iterable[SeenRecord], most: int | None = SHORT_MAX) -> SafeString:
    """Return the table, empty when there is no record.

    Args:
        records: as they are seen.
        most: changes that a line shows; None for all.
    """
    table = _Table(most)
    rows = "".join([table.row(seen) for seen in records])
    if not rows:
        return SafeString("")
    heads = "".join(f'<th scope="col">{label}</th>' for label in table.labels)
    zone = timezone.get_current_timezone_name()
    caption = escape(_("Newest first; times are in %(zone)s") % {"zone": zone})
    return SafeString(
        f'<table class="gridkit-trail"><caption class="gridkit-quiet">{caption}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


class _Table:
    """What the rows of one page share, worked out once."""

    def __init__(self, most: int | None) -> None:
        words = (_("Time"), _("Who"), _("Action"), _("Object"), _("Changes"), _("Why and how"))
        self.labels = tuple(escape(word) for word in words)
        self._most = most
        self._base = escape(list_address())
        self._fields = Fields()

    def row(self, seen: SeenRecord) -> str:
        """Return one row."""
        time, who, action, thing, changes, why = self.labels
        record, told = seen.record, seen.context
        page = f' href="{self._base}{record.pk}/change/"' if self._base else ""
        local = timezone.localtime(record.occurred_at)
        return (
            f'<tr><th scope="row" data-label="{time}"><a{page}><time datetime="{local.isoformat()}">'
            f"{local:%Y-%m-%d %H:%M:%S}</time></a></th>"
            f'<td data-label="{who}">{_who(seen, told)}</td>'
            f'<td data-label="{action}"><code>{escape(record.action)}</code>{_below(record.grid)}</td>'
            f'<td data-label="{thing}">{_thing(seen)}</td>'
            f'<td data-label="{changes}" class="gridkit-wide">{self._changes(seen, page)}</td>'
            f'<td data-label="{why}" class="gridkit-why">{self._why(seen, told)}</td></tr>'
        )

    def _changes(self, seen: SeenRecord, page: str) -> str:
        told = short_differences(seen.record.target_type, seen.changes, self._most, self._fields)
        lines = "".join(
            f'<div class="gridkit-short"><span class="gridkit-quiet">{escape(name)}</span> '
            f'<del>{before}</del> <span aria-hidden="true">→</span> <ins>{after}</ins></div>'
            for name, before, after in told
        )
        count = len(seen.changes)
        if self._most is None or count <= self._most:
            return lines or _NOTHING
        more = escape(ngettext("%(n)d field in all", "%(n)d fields in all", count) % {"n": count})
        return f'{lines}<a{page} class="gridkit-quiet">{more}</a>'

    def _why(self, seen: SeenRecord, told: Mapping[str, Any]) -> str:
        reason = str(told.get("reason", ""))
        if len(reason) > _REASON_MAX:
            reason = Truncator(reason).chars(_REASON_MAX)
        act = f' href="{self._base}?operation={seen.record.operation_id}"' if self._base else ""
        source = escape(str(told.get("source", "")))
        return f'{escape(reason)}{"<br>" if reason else ""}<a{act} class="gridkit-quiet">{source}</a>'


def _who(seen: SeenRecord, told: Mapping[str, Any]) -> str:
    record = seen.record
    who = escape(record.actor_label or record.actor_id)
    if record.actor_kind != "user":
        who += f' <span class="gridkit-quiet">{escape(record.actor_kind)}</span>'
    if name := told.get("impersonator"):
        who += f'<br><span class="gridkit-badge gridkit-badge-warn">{escape(_("by %s") % name)}</span>'
    return who


def _thing(seen: SeenRecord) -> str:
    record = seen.record
    label = f"{escape(seen.label)}<br>" if seen.label and seen.label != record.target_id else ""
    return f'{label}<span class="gridkit-quiet">{escape(record.target_type)} {escape(record.target_id)}</span>'


def _below(text: str) -> str:
    return f'<br><span class="gridkit-quiet">{escape(text)}</span>' if text else ""
