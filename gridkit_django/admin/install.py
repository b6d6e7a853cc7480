"""What can be installed, and the page where an administrator reviews, grants, configures and installs it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from gridkit_django.admin.schema_forms import SchemaForm
from gridkit_django.admin.verbs import administering, require, rights_of
from gridkit_django.models import InstalledPlugin, OperationKind, PluginOperation
from gridkit_django.plugins import AvailablePlugin, PluginMetadata, plugin_manager, request_operation
from gridkit_django.plugins.permission_texts import permission_text
from gridkit_django.tasks.plugins import enqueue_operation


class ConsentForm(forms.Form):
    """Which permissions are granted, whether to start at once, and the password again.

    Granting and activating take rights of their own: whoever lacks one is not asked, and installs without.

    Args:
        permissions: what the plugin asks for.
        user: whose password is asked for.
        rights: the plugin rights of the user.
        starts: whether it can be started with it; an update starts nothing that is off.
    """

    grants = forms.MultipleChoiceField(
        label=_("Permissions to grant"), required=False, widget=forms.CheckboxSelectMultiple
    )
    activate = forms.BooleanField(label=_("Activate it at once"), required=False, initial=True)
    password = forms.CharField(
        label=_("Your password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text=_("Installing runs the plugin's code on this site, so we ask again who you are."),
    )

    def __init__(
        self,
        *args: Any,
        permissions: tuple[str, ...],
        user: Any,
        rights: Collection[str],
        starts: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._user = user
        self._permissions, self._starts = permissions, starts
        grants = self.fields["grants"]
        grants.initial = list(permissions)
        if isinstance(grants, forms.MultipleChoiceField):
            grants.choices = [(name, f"{name}: {permission_text(name)}") for name in permissions]
        if not permissions or "grant_plugin" not in rights:
            del self.fields["grants"]
        if not starts or "activate_plugin" not in rights:
            del self.fields["activate"]

    @property
    def left_to_others(self) -> list[str]:
        """What this user has no right to decide, so that it is left undecided; one sentence for each."""
        told = []
        if self._permissions and "grants" not in self.fields:
            told.append(_("You may not grant permissions: it is granted none until somebody else does so."))
        if self._starts and "activate" not in self.fields:
            told.append(_("You may not start plugins: it stays off until somebody else starts it."))
        return [str(item) for item in told]

    @property
    def granted(self) -> list[str]:
        """What is granted."""
        return list(self.cleaned_data.get("grants", ()))

    @property
    def is_activated(self) -> bool:
        """Whether it starts at once."""
        return bool(self.cleaned_data.get("activate"))

    def clean_password(self) -> None:
        """Check the password and forget it.

        Raises:
            ValidationError: when it is wrong.
        """
        if not self._user.check_password(self.cleaned_data["password"]):
            raise forms.ValidationError(_("This is not your password."), code="password-wrong")


def available_page(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """List what can be installed, and what can't with the reason; ``q`` searches."""
    require(request, "install_plugin")
    wanted = request.GET.get("q", "").strip().lower()
    found = [item for item in plugin_manager().discover() if not item.installed and wanted in _searched_text(item)]
    context = {
        **site.each_context(request),
        "title": _("Available plugins"),
        "opts": InstalledPlugin._meta,
        "available": found,
        "q": request.GET.get("q", ""),
    }
    return TemplateResponse(request, "admin/gridkit_django/installedplugin/available.html", context)


def install_page(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Review one available plugin, and on POST ask a worker to install it.

    Raises:
        Http404: when there is no such plugin to install.
    """
    require(request, "install_plugin")
    plugin, metadata = _available(request.GET.get("ref", ""))
    data = request.POST if request.method == "POST" else None
    rights = rights_of(request)
    consent = ConsentForm(data, permissions=metadata.required_permissions, user=request.user, rights=rights)
    schema = plugin.config_schema if "configure_plugin" in rights else {}
    config = SchemaForm(data, schema=schema, values={}, prefix="config")
    if data is not None and consent.is_valid() and config.is_valid():
        with administering(request):
            return _to_operation(_request_install(request, plugin.ref, metadata.id, (consent, config)), site)
    context = {
        **site.each_context(request),
        "title": _("Install %(plugin)s") % {"plugin": metadata.name},
        "opts": InstalledPlugin._meta,
        "metadata": metadata,
        "consent": consent,
        "config": config,
    }
    return TemplateResponse(request, "admin/gridkit_django/installedplugin/install.html", context)


def _searched_text(item: AvailablePlugin) -> str:
    metadata = item.metadata
    words = [item.ref, item.reason]
    if metadata is not None:
        words += [metadata.id, metadata.name, metadata.description, metadata.category.value, *metadata.tags]
    return " ".join(words).lower()


def _available(ref: str) -> tuple[AvailablePlugin, PluginMetadata]:
    for item in plugin_manager().discover():
        if item.ref == ref and item.metadata is not None and not item.reason and not item.installed:
            return item, item.metadata
    raise Http404


def _request_install(
    request: HttpRequest, ref: str, plugin_id: str, reviewed: tuple[ConsentForm, SchemaForm]
) -> PluginOperation:
    """Write the operation down and let a worker carry it out; what the forms hold was validated."""
    consent, config = reviewed
    arguments = {
        "source": ref,
        "grants": consent.granted,
        "activate": consent.is_activated,
        "config": config.values(),
    }
    operation = request_operation(OperationKind.INSTALL, plugin_id, arguments, user=request.user)
    enqueue_operation(operation.pk)
    return operation


def _to_operation(operation: PluginOperation, site: AdminSite) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse(f"{site.name}:gridkit_django_pluginoperation_change", args=[operation.pk]))
