"""How an update comes: by one process first, to all at once, or as the site does it."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from gridkit_django.conf import settings

_OFFERED = (300, 900, 3600)


class CanaryForm(forms.Form):
    """Whether one process tries an update before the others, and for how long.

    Args:
        side_by_side: whether the new version may serve beside the one in use; if not, only what needs no trial is
            offered.
    """

    canary = forms.ChoiceField(
        label=_("How it comes"),
        required=False,
        help_text=_("The first process goes back by itself when errors or times are worse there than in the others."),
    )

    def __init__(self, *args: object, side_by_side: bool = True, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        field = self.fields["canary"]
        if isinstance(field, forms.ChoiceField):
            field.choices = _choices(_OFFERED if side_by_side else ())

    @property
    def arguments(self) -> dict[str, int]:
        """The argument of the operation; none where it comes as the site does it."""
        chosen = self.cleaned_data.get("canary", "")
        return {"canary_seconds": int(chosen)} if chosen else {}


def lasting(seconds: int) -> str:
    """Return a length of time in words."""
    if seconds % 60:
        return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}
    return ngettext("%(n)d minute", "%(n)d minutes", seconds // 60) % {"n": seconds // 60}


def _choices(offered: Iterable[int]) -> list[tuple[str, str | Promise]]:
    usual = _how(settings().CANARY_SECONDS)
    others = [(str(seconds), _capital(_how(seconds))) for seconds in (*offered, 0)]
    return [("", _("As the site does it: %(how)s") % {"how": usual}), *others]


def _how(seconds: int) -> str:
    if not seconds:
        return str(_("all processes at once"))
    return _("one process first, for %(time)s") % {"time": lasting(seconds)}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
