"""Advisories of this site's marketplace: written here, signed by a worker, followed by every site."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminURLFieldWidget
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from gridkit_django.admin.market_only import MarketOnly
from gridkit_django.admin.verbs import administering
from gridkit_django.exceptions import MarketError
from gridkit_django.marketplace import shelf
from gridkit_django.models import MarketAdvisory
from gridkit_django.templatetags.gridkit_admin import badge


class AdvisoryForm(forms.ModelForm):  # type: ignore[type-arg]
    """What an administrator says of bad versions."""

    url = forms.URLField(
        label=_("More at"), required=False, assume_scheme="https", max_length=500, widget=AdminURLFieldWidget
    )

    class Meta:
        model = MarketAdvisory
        fields: ClassVar = ["name", "plugin_id", "versions", "action", "reason", "url", "withdrawn"]

    def clean(self) -> dict[str, Any]:
        """Refuse what the feed would refuse: sites would believe nothing of it."""
        told = super().clean() or self.cleaned_data
        if not self.errors:
            row = MarketAdvisory(**{"name": self.instance.name, "plugin_id": self.instance.plugin_id, **told})
            try:
                shelf.advisories.judged(row)
            except MarketError as error:
                raise forms.ValidationError(error.detail) from error
        return told


class MarketAdvisoryAdmin(MarketOnly[MarketAdvisory]):
    """The advisories, and whether sites can read them yet."""

    form = AdvisoryForm
    fields = tuple(AdvisoryForm.Meta.fields)
    list_display = ("name", "plugin_id", "versions", "action", "standing", "published_at")
    list_filter = ("action", "withdrawn", "signed", "published_at")
    search_fields = ("name", "plugin_id", "reason")
    date_hierarchy = "published_at"

    class Media:
        css: ClassVar = {"all": ["gridkit/admin.css"]}

    def get_readonly_fields(self, request: HttpRequest, obj: MarketAdvisory | None = None) -> list[str]:
        """Keep id and plugin: sites know it by them."""
        return [] if obj is None else ["name", "plugin_id"]

    def has_delete_permission(self, request: HttpRequest, obj: MarketAdvisory | None = None) -> bool:
        """Refuse: an advisory is withdrawn."""
        return False

    def save_model(self, request: HttpRequest, obj: MarketAdvisory, form: Any, change: bool) -> None:
        """Store it through the service."""
        with administering(request):
            shelf.advisories.save_advisory(obj)

    @admin.display(description=_("state"))
    def standing(self, row: MarketAdvisory) -> SafeString:
        """Show whether the feed says the same."""
        if not row.signed:
            return badge("warn", str(_("waits for its signature")))
        return badge("plain", str(_("withdrawn"))) if row.withdrawn else badge("good", str(_("in the feed")))
