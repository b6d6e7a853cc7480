"""Our records on the pages of any ModelAdmin: its history, and asking why when something is changed there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import flatten, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import router, transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import select_template
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from gridkit_django.admin.audit_links import history_address, state_address
from gridkit_django.admin.audit_rows import table_of
from gridkit_django.audit.searching import AuditSearch
from gridkit_django.events import REASON_LENGTH_MAX, EventSource, explaining, holding, request_act
from gridkit_django.exceptions import ReasonRequiredError
from gridkit_django.grids.audit_reading import VIEW_AUDIT, AuditReader
from gridkit_django.grids.options import AuditReason
from gridkit_django.typing import User

R = TypeVar("R", bound=HttpResponse)

PAGE_SIZE = 50
_FIELD = "audit_reason"
_LACKING = gettext_lazy("This needs a reason. Nothing was changed.")

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Model]
else:
    _Admin = object


class _ReasonForm(forms.Form):
    """The field that is added to the form of an object."""

    audit_reason = forms.CharField(
        label=gettext_lazy("Reason for the change"),
        required=False,
        max_length=REASON_LENGTH_MAX,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=gettext_lazy("Kept in the audit trail."),
    )


class AuditHistoryMixin(_Admin):
    """Shows the audit trail of each object under "History", and lets every change there name who and why.

    Put it before ``ModelAdmin``::

        class OrderAdmin(AuditHistoryMixin, admin.ModelAdmin):
            audit_reason = "required"

    Records hold no foreign keys, so they never stand in the way of a deletion, and deleting needs no right on them.
    Readers without the right to read the trail get Django's own history.

    Attributes:
        audit_reason: whether the pages ask why: ``required``, ``optional``, or empty for no.
    """

    audit_reason: ClassVar[AuditReason] = ""
    change_list_template = "admin/gridkit_django/reasoned_list.html"
    delete_confirmation_template = "admin/gridkit_django/delete_confirmation.html"
    delete_selected_confirmation_template = "admin/gridkit_django/delete_selected_confirmation.html"

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the records of one object, newest first."""
        found = self.get_object(request, unquote(object_id))
        if found is None or not request.user.has_perm(VIEW_AUDIT):
            return super().history_view(request, object_id, extra_context)
        if not self.has_view_or_change_permission(request, found):
            raise PermissionDenied
        kind, key = self.model._meta.label_lower, str(found.pk)
        before = request.GET.get("before", "")
        with holding(request_act(request, EventSource.ADMIN)):
            page = AuditReader(cast("User", request.user)).page(
                AuditSearch(target_type=kind, target_id=key, reads=False),
                PAGE_SIZE,
                before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
            )
        context = {
            **self.admin_site.each_context(request),
            "title": _("Change history: %s") % found,
            "opts": self.opts,
            "object": found,
            "module_name": str(self.opts.verbose_name_plural).capitalize(),
            "table": table_of(page.records),
            "older": page.older,
            "all": history_address(kind, key),
            "state": state_address(kind, key),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/gridkit_django/object_history.html", context)

    def get_form(
        self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[Model]]:
        """Add the field for the reason where one is asked for."""
        form = kwargs.pop("form", self.form)
        if self.audit_reason and _FIELD not in form.declared_fields:
            form = type(form.__name__, (_ReasonForm, form), {})
        made = super().get_form(request, obj, change, form=form, **kwargs)
        if self.audit_reason:
            made.base_fields[_FIELD].required = self.audit_reason == "required"
        return made

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Put the reason at the end of the form."""
        found = [(name, {**options}) for name, options in super().get_fieldsets(request, obj)]
        listed = any(_FIELD in flatten(cast("Any", options["fields"])) for _name, options in found)
        if not self.audit_reason or listed or not self._writes(request, obj):
            return found
        return [*found, (None, {"fields": (_FIELD,)})]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Leave the reason out here: it has a place of its own."""
        return [name for name in super().get_fields(request, obj) if name != _FIELD]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Add or change an object as the request's user, for the reason that the form gives."""
        change = super().changeform_view
        return self._for_a_reason(request, lambda: change(request, object_id, form_url, extra_context))

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Delete an object as the request's user, for a reason."""
        if request.method == "POST" and self._lacks_reason(request):
            return self._asked_again(request)
        told = {"audit_reason": self.audit_reason, **(extra_context or {})}
        delete = super().delete_view
        return self._for_a_reason(request, lambda: delete(request, object_id, told))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Carry out actions and edits of the list as the request's user; deletions and edits there need a reason."""
        deletes = request.POST.get("action") == "delete_selected" and "post" in request.POST
        if deletes and self._lacks_reason(request):
            return self._asked_again(request)
        request.gridkit_audit_reason = self.audit_reason  # type: ignore[attr-defined]  # for the page of that action
        told = {"audit_list": select_template(self._lists()), **(extra_context or {})}
        show = super().changelist_view
        return self._for_a_reason(request, lambda: show(request, told), "action" in request.POST)

    def get_changelist_formset(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Keep what was typed into the list on the page as long as the reason for it lacks."""
        made = super().get_changelist_formset(request, **kwargs)
        return type(made.__name__, (_WithoutReason, made), {}) if self._lacks_reason(request) else made

    def _lists(self) -> list[str]:
        """Return the templates of the list that Django would take, the first that there is."""
        app, model = self.opts.app_label, self.opts.model_name
        return [f"admin/{app}/{model}/change_list.html", f"admin/{app}/change_list.html", "admin/change_list.html"]

    def _for_a_reason(self, request: HttpRequest, view: Callable[[], R], whole: bool = False) -> R | HttpResponse:
        """Answer in the act of the request; what a policy refuses because nobody said why is told, not raised."""
        act = request_act(request, EventSource.ADMIN)
        unit = transaction.atomic(router.db_for_write(self.model)) if whole else nullcontext()
        try:
            with holding(act), explaining(_reason(request)), unit:
                return view()
        except ReasonRequiredError:
            return self._asked_again(request)

    def _writes(self, request: HttpRequest, obj: Model | None) -> bool:
        return self.has_add_permission(request) if obj is None else self.has_change_permission(request, obj)

    def _lacks_reason(self, request: HttpRequest) -> bool:
        return self.audit_reason == "required" and not (_reason(request) or request_act(request)().reason)

    def _asked_again(self, request: HttpRequest) -> HttpResponse:
        messages.error(request, _LACKING)
        return HttpResponseRedirect(request.get_full_path())


class _WithoutReason:
    """Mixed into the forms of a list for which nobody has said why: none of them is saved."""

    def clean(self) -> None:
        """Refuse."""
        raise ValidationError(_LACKING)


def _reason(request: HttpRequest) -> str:
    return request.POST.get(_FIELD, "").strip()[:REASON_LENGTH_MAX]
