"""Publishers of this site's marketplace, their keys, and their tokens: a token is shown once, when it is made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from gridkit_django.admin.market_only import MarketOnly
from gridkit_django.admin.read_only import ReadOnlyAdmin
from gridkit_django.admin.verbs import administering
from gridkit_django.exceptions import NameTakenError
from gridkit_django.marketplace import shelf
from gridkit_django.marketplace.shelf.mails import MailKind
from gridkit_django.marketplace.shelf.tokens import DAYS_MAX, TokenScope
from gridkit_django.models import IdentityWay, KeyState, Publisher, PublisherKey, PublisherToken
from gridkit_django.templatetags.gridkit_admin import badge

_IDENTITY = {"proved": "good", "waiting": "warn", "lost": "bad", "unproved": "plain"}
_KEY = {"trusted": "good", "new": "warn", "retired": "plain", "revoked": "bad"}


class PublisherForm(forms.ModelForm):  # type: ignore[type-arg]
    """What an administrator says of a publisher."""

    prove_domain = forms.CharField(
        label=_("Prove this domain"),
        required=False,
        help_text=_("For example example.org. The text that must stand there is shown after saving."),
    )
    prove_way = forms.ChoiceField(
        label=_("By"), required=False, choices=[(IdentityWay.DNS, _("TXT record")), (IdentityWay.WEB, _("file"))]
    )
    mails_off = forms.MultipleChoiceField(
        label=_("No mails to the contact when"),
        required=False,
        choices=MailKind.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    vouch_note = forms.CharField(
        label=_("Or you know who it is"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Say how. The identity counts as proved then; it says nothing about the code."),
    )

    class Meta:
        model = Publisher
        fields: ClassVar = ["name", "display_name", "email", "mails_off", "members", "suspended"]

    def clean_name(self) -> str:
        """Refuse a name that can't be given."""
        name: str = self.cleaned_data["name"]
        try:
            shelf.names.check_publisher_name(name, but=self.instance.pk)
        except NameTakenError as error:
            raise forms.ValidationError(error.detail) from error
        return name


class PublisherAdmin(MarketOnly[Publisher]):
    """The publishers, with what proves them."""

    form = PublisherForm
    list_display = ("name", "display_name", "identity", "identity_domain", "plugins", "suspended", "created_at")
    list_filter = ("identity_state", "suspended", "created_at")
    search_fields = ("name", "display_name", "email", "identity_domain")
    filter_horizontal = ("members",)
    actions = ("look_now",)
    readonly_fields = ("identity", "proof", "identity_note", "identity_checked_at", "identity_proved_at")

    class Media:
        css: ClassVar = {"all": ["gridkit/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Publisher]:
        """Count the plugins in the same question."""
        return super().get_queryset(request).annotate(plugin_count=Count("listings", distinct=True))

    def get_fieldsets(self, request: HttpRequest, obj: Publisher | None = None) -> list[Any]:
        """Show what proves a publisher only where there is one."""
        first = (None, {"fields": ["name", "display_name", "email", "mails_off", "members", "suspended"]})
        if obj is None:
            return [first]
        shown = ["identity", "proof", "identity_note", "identity_checked_at", "identity_proved_at"]
        asked = ["prove_domain", "prove_way", "vouch_note"] if self.has_change_permission(request, obj) else []
        return [first, (_("Identity"), {"fields": [*shown, *asked]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Publisher | None = None) -> list[str]:
        """Keep the name: plugins are called by it."""
        return [*self.readonly_fields, *(["name"] if obj is not None else [])]

    def has_delete_permission(self, request: HttpRequest, obj: Publisher | None = None) -> bool:
        """Refuse: names stay taken."""
        return False

    def save_model(self, request: HttpRequest, obj: Publisher, form: Any, change: bool) -> None:
        """Make a publisher through the service; begin or renew its proof."""
        told = form.cleaned_data
        if not change:
            with administering(request):
                made = shelf.publishers.make_publisher(obj.name, obj.display_name, email=obj.email)
                made.suspended = obj.suspended
                made.mails_off = obj.mails_off
                made.save(update_fields=["suspended", "mails_off"])
                obj.pk, obj.folded = made.pk, made.folded
                obj._state.adding = False
            return
        super().save_model(request, obj, form, change)
        with administering(request):
            if told.get("prove_domain"):
                text = shelf.identity.ask_for_proof(obj, told["prove_domain"], IdentityWay(told["prove_way"]))
                messages.info(request, _("Put this text there: %(text)s") % {"text": text})
            elif told.get("vouch_note"):
                shelf.identity.vouch(obj, told["vouch_note"])

    @admin.display(description=_("identity"), ordering="identity_state")
    def identity(self, row: Publisher) -> SafeString:
        """Show the state in a word."""
        return badge(_IDENTITY[row.identity_state], row.get_identity_state_display())

    @admin.display(description=_("plugins"), ordering="plugin_count")
    def plugins(self, row: Publisher) -> int:
        """Return how many it has."""
        return row.plugin_count  # type: ignore[attr-defined,no-any-return]

    @admin.display(description=_("what must stand where"))
    def proof(self, row: Publisher) -> str:
        """Tell the text, and its place."""
        if not row.identity_token:
            return "-"
        dns = row.identity_way == IdentityWay.DNS
        domain = row.identity_domain
        place = f"TXT {shelf.identity.DNS_LABEL}.{domain}" if dns else f"https://{domain}{shelf.identity.WELL_KNOWN}"
        return format_html("<code>{}</code><br>{}", row.identity_token, place)

    @admin.action(description=_("Look for the proof of selected publishers"), permissions=["change"])
    def look_now(self, request: HttpRequest, queryset: QuerySet[Publisher]) -> None:
        """Look now, a few at once at most: name servers may be slow."""
        with administering(request):
            proved = sum(shelf.identity.look_for_proof(row) for row in queryset[:10])
            self.message_user(request, ngettext("%d is proved.", "%d are proved.", proved) % proved)


class KeyActForm(ActionForm):
    """Since when somebody else has had a key."""

    since = forms.CharField(  # read by the action: Django says of a form that is wrong that no action was selected
        label=_("Revoked as of"),
        required=False,
        help_text=_("What it signed since then goes into quarantine."),
        widget=forms.TextInput(attrs={"placeholder": _("now, or 2026-11-27 10:00")}),
    )


class PublisherKeyAdmin(MarketOnly[PublisherKey], ReadOnlyAdmin[PublisherKey]):
    """The keys that sign, and what they are good for."""

    action_form = KeyActForm
    list_display = ("public_key", "publisher", "standing", "first_seen_at", "retired_at", "revoked_at")
    list_filter = ("state", "first_seen_at")
    search_fields = ("public_key", "publisher__name")
    list_select_related = ("publisher",)
    actions = ("trust_them", "retire_them", "revoke_them")

    class Media:
        css: ClassVar = {"all": ["gridkit/admin.css", "gridkit/market.css"]}

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Whoever may change keys decides about them."""
        return bool(request.user.has_perm("gridkit_django.change_publisherkey"))

    @admin.display(description=_("state"), ordering="state")
    def standing(self, row: PublisherKey) -> SafeString:
        """Show the state in a word."""
        return badge(_KEY[row.state], row.get_state_display())

    @admin.action(description=_("Trust selected keys"), permissions=["decide"])
    def trust_them(self, request: HttpRequest, queryset: QuerySet[PublisherKey]) -> None:
        """Trust those that are new."""
        self._each(request, queryset.filter(state=KeyState.NEW), shelf.keys.trust_key)

    @admin.action(description=_("Retire selected keys: what they signed stays"), permissions=["decide"])
    def retire_them(self, request: HttpRequest, queryset: QuerySet[PublisherKey]) -> None:
        """Take no more releases that they signed."""
        self._each(request, queryset.filter(state__in=(KeyState.NEW, KeyState.TRUSTED)), shelf.keys.retire_key)

    @admin.action(description=_("Revoke selected keys: somebody else has them"), permissions=["decide"])
    def revoke_them(self, request: HttpRequest, queryset: QuerySet[PublisherKey]) -> None:
        """Take no more releases that they signed, and hold those that they signed since then."""
        try:
            since = self._since(request)
        except forms.ValidationError as error:
            self.message_user(request, "; ".join(error.messages), messages.ERROR)
            return
        self._each(request, queryset.exclude(state=KeyState.REVOKED), partial(shelf.keys.revoke_key, since=since))

    def _since(self, request: HttpRequest) -> datetime | None:
        """Return the moment that the form names; None for now.

        Raises:
            ValidationError: when it is none, or yet to come.
        """
        found: datetime | None = forms.DateTimeField(required=False).clean(request.POST.get("since", ""))
        if found is not None and found > timezone.now():
            raise forms.ValidationError(_("That is yet to come."))
        return found

    def _each(
        self, request: HttpRequest, queryset: QuerySet[PublisherKey], act: Callable[[PublisherKey], None]
    ) -> None:
        with administering(request):
            rows = list(queryset)
            for row in rows:
                act(row)
            self.message_user(request, ngettext("%d key.", "%d keys.", len(rows)) % len(rows), messages.SUCCESS)


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a new token may do."""

    scopes = forms.MultipleChoiceField(
        label=_("May"),
        choices=[(scope.value, scope.value) for scope in TokenScope],
        initial=[TokenScope.PUBLISH.value],
        widget=forms.CheckboxSelectMultiple,
    )
    plugins = forms.CharField(
        label=_("Only for these plugins"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One id a line; empty for all plugins of the publisher."),
    )
    days = forms.IntegerField(label=_("Holds for days"), initial=90, min_value=1, max_value=DAYS_MAX)

    class Meta:
        model = PublisherToken
        fields: ClassVar = ["publisher", "name"]

    def clean_plugins(self) -> list[str]:
        """Return the ids, which must be the publisher's."""
        found: list[str] = str(self.cleaned_data["plugins"]).split()
        publisher = self.cleaned_data.get("publisher")
        foreign = [item for item in found if publisher and not item.startswith(f"@{publisher.name}/")]
        if foreign:
            raise forms.ValidationError(_("Not of this publisher: %(ids)s") % {"ids": ", ".join(foreign)})
        return found


class PublisherTokenAdmin(MarketOnly[PublisherToken]):
    """The tokens: made, looked at, revoked; never read again."""

    form = TokenForm
    list_display = ("name", "publisher", "start", "standing", "scope_list", "expires_at", "last_used_at")
    list_filter = ("expires_at", ("revoked_at", admin.EmptyFieldListFilter), "publisher")
    search_fields = ("name", "start", "publisher__name")
    list_select_related = ("publisher",)
    autocomplete_fields = ("publisher",)
    actions = ("revoke_them",)

    class Media:
        css: ClassVar = {"all": ["gridkit/admin.css"]}

    def get_fields(self, request: HttpRequest, obj: PublisherToken | None = None) -> list[Any]:
        """Ask for what a new one may do; show what one that is there may."""
        if obj is None:
            return ["publisher", "name", "scopes", "plugins", "days"]
        told = ["publisher", "name", "start", "standing", "scope_list", "plugin_list"]
        return [*told, "created_by", "created_at", "expires_at", "last_used_at", "revoked_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: PublisherToken | None = None) -> list[Any]:
        """Change nothing of one that is there."""
        return [] if obj is None else self.get_fields(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: PublisherToken | None = None) -> bool:
        """Refuse for one that is there: it is revoked, and another one made."""
        return obj is None and super().has_change_permission(request, obj)

    def has_view_permission(self, request: HttpRequest, obj: PublisherToken | None = None) -> bool:
        """Let whoever may view or change tokens look."""
        return super().has_view_permission(request, obj) or super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: PublisherToken | None = None) -> bool:
        """Refuse: a revoked token stays as evidence."""
        return False

    def save_model(self, request: HttpRequest, obj: PublisherToken, form: Any, change: bool) -> None:
        """Make the token through the service, and show it this once."""
        told = form.cleaned_data
        with administering(request):
            row, text = shelf.tokens.make_token(
                obj.publisher,
                obj.name,
                scopes=[TokenScope(scope) for scope in told["scopes"]],
                plugins=told["plugins"],
                days=told["days"],
                user=request.user,
            )
            for field in PublisherToken._meta.concrete_fields:
                setattr(obj, field.attname, getattr(row, field.attname))
            obj._state.adding = False
            shown = format_html("{} <code>{}</code>", _("Copy the token now, it is never shown again:"), text)
            messages.warning(request, shown)

    @admin.display(description=_("state"))
    def standing(self, row: PublisherToken) -> SafeString:
        """Show whether it opens something."""
        state, text = token_state(row)
        return badge(state, text)

    @admin.display(description=_("may"))
    def scope_list(self, row: PublisherToken) -> str:
        """Return what it may do."""
        return ", ".join(row.scopes)

    @admin.display(description=_("only for these plugins"))
    def plugin_list(self, row: PublisherToken) -> str:
        """Return what it is for."""
        return ", ".join(row.plugins) or str(_("all of the publisher"))

    @admin.action(description=_("Revoke selected tokens"), permissions=["add"])
    def revoke_them(self, request: HttpRequest, queryset: QuerySet[PublisherToken]) -> None:
        """Let them open nothing any more."""
        with administering(request):
            rows = list(queryset.filter(revoked_at=None))
            for row in rows:
                shelf.tokens.revoke_token(row)
            text = ngettext("%d token was revoked.", "%d tokens were revoked.", len(rows)) % len(rows)
            self.message_user(request, text, messages.SUCCESS)


def token_state(row: PublisherToken) -> tuple[str, str]:
    """Return the look and the word for how a token stands."""
    if row.revoked_at:
        return "bad", str(_("revoked"))
    if row.expires_at <= timezone.now():
        return "plain", str(_("expired"))
    return "good", str(_("holds"))
