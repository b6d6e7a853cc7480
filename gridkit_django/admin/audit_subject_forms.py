"""Forms of the pages about a person in the trail: whom, and the confirmation that can't be given by accident."""

from __future__ import annotations

from typing import Any

from django import forms
from django.apps import apps
from django.contrib.auth import get_user_model
from django.utils.translation import gettext_lazy as _

from gridkit_django.admin.audit_form import Offered
from gridkit_django.audit import audit_policies
from gridkit_django.audit.privacy import Subject, subject_kinds
from gridkit_django.events import REASON_LENGTH_MAX
from gridkit_django.exceptions import AuditSubjectError


class SubjectForm(forms.Form):
    """Whom it is about: by a key, or by a word that the admin of the model looks for."""

    type = forms.CharField(label=_("Kind"), help_text=_("app_label.Model"))
    id = forms.CharField(label=_("Key"), required=False)
    q = forms.CharField(label=_("or a word to look for"), required=False)
    acts = forms.BooleanField(label=_("What they did, too"), required=False)
    reads = forms.BooleanField(label=_("Who read about them, too"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        self.fields["type"].widget = Offered(known_kinds())
        self.subject: Subject | None = None

    def clean(self) -> dict[str, Any]:
        """Know whom is meant, when a key is given."""
        told: dict[str, Any] = super().clean() or {}
        if told.get("type") and (told.get("id") or not told.get("q")):
            try:
                self.subject = Subject.named(told["type"], told.get("id", ""))
            except AuditSubjectError as error:
                self.add_error(error.errors[0].pointer.strip("/"), error.detail)
        return told

    def first(self) -> list[forms.BoundField]:
        """Return the fields that say whom."""
        return [self[name] for name in ("type", "id", "q")]


class EraseForm(forms.Form):
    """Why, and the person's kind and key once more.

    Args:
        subject: who is to be forgotten.
    """

    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_LENGTH_MAX,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text=_("Kept in the audit trail, in the clear: name the letter or the case, not the person."),
    )
    confirm = forms.CharField(
        label=_("Confirmation"), widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"})
    )

    def __init__(self, *args: Any, subject: Subject, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        self.wanted = f"{subject.type} {subject.id}"
        self.fields["confirm"].help_text = _("Type %s to confirm.") % self.wanted

    def clean_confirm(self) -> str:
        """Take nothing but the words that were asked for.

        Raises:
            ValidationError: when they are others.
        """
        given = " ".join(str(self.cleaned_data["confirm"]).split())
        if given != " ".join(self.wanted.split()):
            raise forms.ValidationError(_("This is not what was asked for. Nothing was destroyed."))
        return given


def known_kinds() -> list[str]:
    """Return the kinds of people and rows that are offered: those with encrypted values, those that are followed."""
    followed = set(audit_policies().table.by_model)
    user: Any = get_user_model()._meta
    kinds = subject_kinds()
    return [*kinds, *sorted((followed | {user.label_lower}) - set(kinds))]


def model_of(kind: str) -> Any:
    """Return the model of a kind, None where it is a field of a model, or none."""
    try:
        return apps.get_model(kind)
    except (LookupError, ValueError):
        return None
