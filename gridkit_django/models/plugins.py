"""What is stored about plugins: which are installed, in which version, with which configuration and grants."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class PluginSource(models.TextChoices):
    """Where a plugin's code comes from."""

    ENTRY_POINT = "entry_point", _("installed package")
    FOLDER = "folder", _("site folder")
    MARKETPLACE = "marketplace", _("marketplace")
    OBJECT = "object", _("given in code")


class DesiredState(models.TextChoices):
    """What the administrator wants. Nothing but an administrator's act changes it (house rule 7)."""

    ACTIVE = "active", _("active")
    INACTIVE = "inactive", _("inactive")


class EffectiveState(models.TextChoices):
    """What is the case, as last seen by a process that changed something; the reason stands beside it."""

    DISCOVERED = "discovered", _("discovered")
    """Found at a source, not installed: no row has it."""
    INSTALLED = "installed", _("installed")
    ACTIVE = "active", _("active")
    DEGRADED = "degraded", _("degraded")
    SUSPENDED = "suspended", _("suspended")
    QUARANTINED = "quarantined", _("quarantined")
    INCOMPATIBLE = "incompatible", _("incompatible")
    ERROR = "error", _("error, tried again")
    """Could not start for a reason that may pass; tried again with a growing delay."""


class AutoUpdate(models.TextChoices):
    """Which newer releases come by themselves."""

    OFF = "off", _("nothing by itself")
    PATCHES = "patches", _("patches only")
    MINOR = "minor", _("minor releases")
    ALL = "all", _("all releases")


class InstalledPlugin(models.Model):
    """One plugin on this site. The row is the truth that every process follows."""

    plugin_id = models.CharField(_("plugin id"), max_length=200, unique=True)
    source = models.CharField(_("source"), max_length=20, choices=PluginSource.choices)
    source_ref = models.CharField(_("source reference"), max_length=500)
    current_version = models.ForeignKey(
        "PluginVersion", verbose_name=_("version"), on_delete=models.PROTECT, null=True, related_name="+"
    )
    pending_version = models.ForeignKey(
        "PluginVersion",
        verbose_name=_("version that waits for consent"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    pinned = models.BooleanField(
        _("pinned"), default=False, help_text=_("keep this version, whatever lies at the plugin's source")
    )
    pin_note = models.CharField(_("why it is pinned"), max_length=200, blank=True)
    auto_update = models.CharField(
        _("updates by themselves"),
        max_length=20,
        choices=AutoUpdate.choices,
        blank=True,
        help_text=_("empty: as the settings of the site say"),
    )
    desired_state = models.CharField(
        _("wanted"), max_length=20, choices=DesiredState.choices, default=DesiredState.INACTIVE
    )
    effective_state = models.CharField(
        _("state"), max_length=20, choices=EffectiveState.choices, default=EffectiveState.INSTALLED
    )
    state_code = models.CharField(_("reason code"), max_length=80, blank=True)
    state_reason = models.TextField(_("reason"), blank=True)
    state_evidence = models.JSONField(_("evidence"), default=dict, blank=True)
    revision = models.PositiveBigIntegerField(_("revision"), default=1)
    installed_at = models.DateTimeField(_("installed at"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta:
        verbose_name = _("plugin")
        verbose_name_plural = _("plugins")
        ordering: ClassVar = ["plugin_id"]
        permissions: ClassVar = [
            ("install_plugin", _("Can install and uninstall plugins")),
            ("activate_plugin", _("Can activate and deactivate plugins")),
            ("configure_plugin", _("Can configure plugins")),
            ("grant_plugin", _("Can grant and revoke permissions of plugins")),
            ("view_outbox", _("Can see what messages of plugins in the outbox hold")),
            ("manage_outbox", _("Can pause channels of the outbox, and replay or discard dead letters")),
        ]

    def __str__(self) -> str:
        return self.plugin_id


class PluginVersion(models.Model):
    """One version of a plugin that was or is installed, with its manifest as it was read."""

    plugin = models.ForeignKey(InstalledPlugin, on_delete=models.CASCADE, related_name="versions")
    version = models.CharField(_("version"), max_length=64)
    manifest = models.JSONField(_("manifest"))
    config_schema = models.JSONField(_("configuration schema"), default=dict)
    config_version = models.PositiveIntegerField(_("version of the configuration schema"), default=1)
    storage_version = models.PositiveIntegerField(_("version of what it stores"), default=1)
    digest = models.CharField(_("content digest"), max_length=80)
    origin = models.JSONField(
        _("origin"), default=dict, blank=True, help_text=_("of a marketplace: which one, digest of the package, signer")
    )
    grants_then = models.JSONField(
        _("permissions of its time"),
        null=True,
        blank=True,
        help_text=_("decisions when another version took its place"),
    )
    installed_at = models.DateTimeField(
        _("installed at"), default=timezone.now, null=True, blank=True, help_text=_("empty: it was never in use")
    )
    refused_at = models.DateTimeField(
        _("refused at"),
        null=True,
        blank=True,
        help_text=_("an administrator refused this content, or an update to it failed; it does not run by itself"),
    )

    class Meta:
        verbose_name = _("plugin version")
        verbose_name_plural = _("plugin versions")
        ordering: ClassVar = ["plugin", "-installed_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["plugin", "version", "digest"], name="gridkit_plugin_version_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.plugin} {self.version}"


class PluginPackage(models.Model):
    """The files of one version, by content digest, so that it can run on every host and come back after an update."""

    digest = models.CharField(_("content digest"), max_length=80, unique=True)
    content = models.BinaryField(_("zip archive"), default=b"", help_text=_("empty: it lies in the storage"))
    stored_name = models.CharField(_("name in the storage"), max_length=300, blank=True)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    stored_at = models.DateTimeField(_("stored at"), auto_now_add=True)

    class Meta:
        verbose_name = _("plugin package")
        verbose_name_plural = _("plugin packages")
        ordering: ClassVar = ["-stored_at", "-pk"]

    def __str__(self) -> str:
        return self.digest


class PluginConfig(models.Model):
    """One revision of a plugin's configuration. The highest revision of a scope is the one in force."""

    plugin = models.ForeignKey(InstalledPlugin, on_delete=models.CASCADE, related_name="configs")
    grid = models.CharField(_("grid"), max_length=100, blank=True, help_text=_("empty: for all grids"))
    revision = models.PositiveIntegerField(_("revision"))
    schema_version = models.PositiveIntegerField(_("version of the configuration schema"), default=1)
    data = models.JSONField(_("values"), default=dict)
    aside = models.JSONField(
        _("values set aside"), default=dict, blank=True, help_text=_("keys that the plugin's schema no longer knows")
    )
    note = models.CharField(_("note"), max_length=200, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("author"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("plugin configuration")
        verbose_name_plural = _("plugin configurations")
        ordering: ClassVar = ["plugin", "grid", "-revision"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["plugin", "grid", "revision"], name="gridkit_plugin_config_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.plugin} #{self.revision}"


class GrantDecision(models.TextChoices):
    """What was decided about a permission. A revoke beats a granted wildcard."""

    REQUESTED = "requested", _("requested")
    GRANTED = "granted", _("granted")
    REVOKED = "revoked", _("revoked")
    DENIED = "denied", _("denied")
    """A request was refused. It takes nothing away that is granted elsewhere, and is not asked for again."""


class PluginPermissionGrant(models.Model):
    """The decision about one permission (or wildcard) of one plugin."""

    plugin = models.ForeignKey(InstalledPlugin, on_delete=models.CASCADE, related_name="grants")
    permission = models.CharField(_("permission"), max_length=200)
    decision = models.CharField(_("decision"), max_length=20, choices=GrantDecision.choices)
    reason = models.TextField(_("reason"), blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("decided by"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    decided_at = models.DateTimeField(_("decided at"), auto_now=True)
    use_count = models.PositiveBigIntegerField(_("uses"), default=0)
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)

    class Meta:
        verbose_name = _("plugin permission")
        verbose_name_plural = _("plugin permissions")
        ordering: ClassVar = ["plugin", "permission"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["plugin", "permission"], name="gridkit_plugin_grant_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.plugin}: {self.permission} {self.decision}"


class PluginStorageItem(models.Model):
    """One key of a plugin's isolated storage."""

    plugin = models.ForeignKey(InstalledPlugin, on_delete=models.CASCADE, related_name="storage_items")
    key = models.CharField(_("key"), max_length=200)
    value = models.JSONField(_("value"), encoder=DjangoJSONEncoder)
    size = models.PositiveIntegerField(_("size in bytes"))
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta:
        verbose_name = _("plugin storage item")
        verbose_name_plural = _("plugin storage items")
        ordering: ClassVar = ["plugin", "key"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["plugin", "key"], name="gridkit_plugin_storage_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.plugin}: {self.key}"


class PluginStorageUsage(models.Model):
    """How much one plugin stores: one row that every write of its storage passes, so that the quota holds."""

    plugin = models.OneToOneField(
        InstalledPlugin, on_delete=models.CASCADE, primary_key=True, related_name="storage_usage"
    )
    used_bytes = models.BigIntegerField(_("size in bytes"), default=0)
    storage_version = models.PositiveIntegerField(_("version of what is stored"), default=1)

    class Meta:
        verbose_name = _("plugin storage usage")
        verbose_name_plural = _("plugin storage usages")

    def __str__(self) -> str:
        return f"{self.plugin}: {self.used_bytes}"


class PluginStorageCopy(models.Model):
    """All that a plugin stored in one version, set aside when another version of it was put in place."""

    plugin = models.ForeignKey(InstalledPlugin, on_delete=models.CASCADE, related_name="storage_copies")
    storage_version = models.PositiveIntegerField(_("version of what is stored"))
    values = models.JSONField(_("values"), default=dict, help_text=_("by key"))
    digest = models.CharField(_("content digest"), max_length=80, help_text=_("of the code that was at work"))
    key_count = models.PositiveIntegerField(_("keys"), default=0)
    used_bytes = models.PositiveBigIntegerField(_("bytes"), default=0)
    taken_at = models.DateTimeField(_("taken at"), auto_now=True)

    class Meta:
        verbose_name = _("copy of a plugin's storage")
        verbose_name_plural = _("copies of a plugin's storage")
        ordering: ClassVar = ["plugin", "-storage_version"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["plugin", "storage_version"], name="gridkit_storage_copy_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.plugin}: {self.storage_version}"
