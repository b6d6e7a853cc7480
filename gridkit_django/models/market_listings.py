"""What this site's marketplace lists: plugins, their releases with one file each, and what checks said of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gridkit_django.exceptions import ReleaseImmutableError
from gridkit_django.models.market import Publisher, PublisherKey


class ListingState(models.TextChoices):
    """How a plugin stands in the marketplace."""

    PENDING = "pending", _("nothing published yet")
    ACTIVE = "active", _("active")
    DEPRECATED = "deprecated", _("deprecated")
    ARCHIVED = "archived", _("archived")
    REMOVED = "removed", _("removed")
    """A tombstone: the names stay taken for ever."""


class ReleaseState(models.TextChoices):
    """How far a release is; ``marketplace.shelf.states`` says what may follow what."""

    DRAFT = "draft", _("draft")
    CHECKING = "checking", _("being checked")
    QUARANTINED = "quarantined", _("quarantined")
    PUBLISHED = "published", _("published")
    YANKED = "yanked", _("yanked")
    REMOVED = "removed", _("removed")


class CheckResult(models.TextChoices):
    """What a check says. Only ``pass`` lets a release through."""

    PASS = "pass", _("passed")
    FAIL = "fail", _("failed")
    ERROR = "error", _("could not be made")


class MarketSerial(models.Model):
    """One row: the number of the marketplace's last change. Whoever changes what is public takes the next one."""

    value = models.PositiveBigIntegerField(_("serial"), default=0)

    class Meta:
        verbose_name = _("serial of the marketplace")
        verbose_name_plural = _("serials of the marketplace")

    def __str__(self) -> str:
        return str(self.value)


class Listing(models.Model):
    """A plugin in the marketplace. Its three names are reserved with it, also after it was removed."""

    publisher = models.ForeignKey(
        Publisher, verbose_name=_("publisher"), on_delete=models.PROTECT, related_name="listings"
    )
    plugin_id = models.CharField(_("plugin id"), max_length=200, unique=True)
    distribution = models.CharField(_("distribution"), max_length=200, unique=True)
    import_package = models.CharField(_("import package"), max_length=200, unique=True)
    folded = models.CharField(_("name without look-alikes"), max_length=200, db_index=True, editable=False)
    name = models.CharField(_("name"), max_length=200)
    summary = models.TextField(_("summary"), max_length=2000)
    category = models.CharField(_("category"), max_length=20)
    tags = models.JSONField(_("tags"), default=list)
    pricing = models.CharField(_("pricing"), max_length=20)
    license = models.CharField(_("license"), max_length=200)
    homepage = models.URLField(_("homepage"), max_length=500, blank=True)
    repository = models.URLField(_("repository"), max_length=500, blank=True)
    demo = models.URLField(_("demo"), max_length=500, blank=True)
    documentation = models.URLField(_("documentation"), max_length=500, blank=True)
    pricing_text = models.CharField(_("price in words"), max_length=200, blank=True)
    pricing_page = models.URLField(_("page about prices"), max_length=500, blank=True)
    license_page = models.URLField(_("page about the license"), max_length=500, blank=True)
    icon = models.CharField(_("icon"), max_length=300, blank=True, editable=False)
    icon_source = models.CharField(_("SHA-256 of the icon as it was sent"), max_length=64, blank=True, editable=False)
    featured = models.PositiveIntegerField(_("place among the featured"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=12, choices=ListingState.choices, default=ListingState.PENDING)
    state_reason = models.TextField(_("reason"), blank=True)
    latest = models.ForeignKey(
        "Release", verbose_name=_("latest release"), on_delete=models.SET_NULL, null=True, related_name="+"
    )
    serial = models.PositiveBigIntegerField(_("serial of its last change"), default=0, db_index=True)
    downloads = models.PositiveBigIntegerField(_("downloads"), default=0)
    installs = models.PositiveBigIntegerField(_("installs"), default=0)
    updates = models.PositiveBigIntegerField(_("updates"), default=0)
    recent_installs = models.PositiveBigIntegerField(_("installs of the last 30 days"), default=0)
    rating = models.FloatField(_("rating, smoothed"), null=True)
    rating_count = models.PositiveIntegerField(_("ratings"), default=0)
    told_at = models.DateTimeField(_("figures last told at"), null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("last release at"), null=True)

    class Meta:
        verbose_name = _("listing")
        verbose_name_plural = _("listings")
        ordering: ClassVar = ["plugin_id"]

    def __str__(self) -> str:
        return self.plugin_id


class FrozenQuerySet(models.QuerySet["Release"]):
    """Refuses to change what a release is."""

    def update(self, **kwargs: Any) -> int:
        """Change rows, unless it is about something that never changes.

        Raises:
            ReleaseImmutableError: when it is.
        """
        _refuse_frozen(kwargs)
        return super().update(**kwargs)


class Release(models.Model):
    """One version of a plugin, for ever: what it holds never changes, only how far it is and what people say of it."""

    FROZEN: ClassVar = frozenset(
        {
            "listing",
            "listing_id",
            "version",
            "digest",
            "size",
            "manifest",
            "config_schema",
            "core_metadata",
            "signature",
            "public_key",
            "requires",
            "file_digests",
            "imports",
        }
    )
    """Fields that are written once."""

    listing = models.ForeignKey(Listing, verbose_name=_("listing"), on_delete=models.PROTECT, related_name="releases")
    version = models.CharField(_("version"), max_length=64)
    state = models.CharField(_("state"), max_length=12, choices=ReleaseState.choices, default=ReleaseState.DRAFT)
    digest = models.CharField(_("digest"), max_length=80)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    manifest = models.JSONField(_("manifest"))
    config_schema = models.JSONField(_("schema of the configuration"), default=dict)
    core_metadata = models.TextField(_("core metadata"))
    requires = models.JSONField(_("needs packages"), default=list)
    python_version = models.CharField(_("needs Python"), max_length=100, blank=True)
    file_digests = models.JSONField(_("digests of its files"), default=dict)
    imports = models.JSONField(_("modules that it imports"), default=list)
    signature = models.CharField(_("signature"), max_length=200)
    public_key = models.CharField(_("public key"), max_length=64)
    key = models.ForeignKey(PublisherKey, verbose_name=_("key"), on_delete=models.PROTECT, null=True, related_name="+")
    notes = models.TextField(_("notes"), blank=True)
    changelog = models.TextField(_("changelog"), blank=True)
    changelog_html = models.TextField(_("changelog as HTML"), blank=True)
    documentation_html = models.TextField(_("documentation as HTML"), blank=True)
    held_for = models.JSONField(_("held for"), default=list)
    reviewed = models.BooleanField(_("reviewed"), default=False)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("reviewed by"), on_delete=models.SET_NULL, null=True, related_name="+"
    )
    reviewed_at = models.DateTimeField(_("reviewed at"), null=True)
    review_note = models.TextField(_("note of the review"), blank=True)
    yanked_reason = models.TextField(_("why it was yanked"), blank=True)
    created_at = models.DateTimeField(_("uploaded at"), default=timezone.now)
    checking_at = models.DateTimeField(_("checks began at"), null=True)
    released_at = models.DateTimeField(_("published at"), null=True)
    changed_at = models.DateTimeField(_("state changed at"), default=timezone.now)
    signed = models.BooleanField(_("the signed metadata stands for it"), default=False)

    objects = FrozenQuerySet.as_manager()

    class Meta:
        verbose_name = _("release")
        verbose_name_plural = _("releases")
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["listing", "version"], name="gridkit_market_release_once")
        ]
        indexes: ClassVar = [models.Index(fields=["state", "-created_at"], name="gridkit_market_release_state")]
        permissions: ClassVar = [
            ("review_release", _("Can review, publish and refuse releases")),
            ("takedown_release", _("Can quarantine, yank and remove releases of others")),
        ]

    def __str__(self) -> str:
        return f"{self.listing.plugin_id} {self.version}"

    def save(self, **kwargs: Any) -> None:
        """Write a new row, or name the fields that change.

        Raises:
            ReleaseImmutableError: when a field that is written once would be written again.
        """
        if not self._state.adding:
            _refuse_frozen(kwargs.get("update_fields") or self.FROZEN)
        super().save(**kwargs)

    @property
    def permissions(self) -> list[str]:
        """The permissions that it asks for."""
        asked: list[str] = self.manifest.get("required_permissions", [])
        return asked


class ReleaseFile(models.Model):
    """The wheel of a release, in Django's storage."""

    release = models.OneToOneField(Release, verbose_name=_("release"), on_delete=models.PROTECT, related_name="file")
    filename = models.CharField(_("file name"), max_length=255)
    sha256 = models.CharField(_("SHA-256"), max_length=64, unique=True)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    stored_as = models.CharField(_("name in the storage"), max_length=500)

    class Meta:
        verbose_name = _("release file")
        verbose_name_plural = _("release files")
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return self.filename


class ReleaseCheck(models.Model):
    """What one check last said of a release."""

    release = models.ForeignKey(Release, verbose_name=_("release"), on_delete=models.CASCADE, related_name="checks")
    name = models.CharField(_("check"), max_length=100)
    result = models.CharField(_("result"), max_length=5, choices=CheckResult.choices)
    detail = models.TextField(_("detail"), blank=True)
    made_at = models.DateTimeField(_("made at"), default=timezone.now)
    duration_ms = models.FloatField(_("took, in milliseconds"), default=0)

    class Meta:
        verbose_name = _("check of a release")
        verbose_name_plural = _("checks of releases")
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["release", "name"], name="gridkit_market_check_once")]

    def __str__(self) -> str:
        return f"{self.name}: {self.result}"


class ListingPicture(models.Model):
    """A screenshot of a plugin, drawn anew by this site."""

    listing = models.ForeignKey(Listing, verbose_name=_("listing"), on_delete=models.CASCADE, related_name="pictures")
    position = models.PositiveSmallIntegerField(_("position"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    stored_as = models.CharField(_("name in the storage"), max_length=500)
    source = models.CharField(_("SHA-256 of the picture as it was sent"), max_length=64, blank=True)
    caption = models.CharField(_("what it shows"), max_length=200, blank=True)
    width = models.PositiveIntegerField(_("width"))
    height = models.PositiveIntegerField(_("height"))

    class Meta:
        verbose_name = _("picture of a listing")
        verbose_name_plural = _("pictures of listings")
        ordering: ClassVar = ["listing", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["listing", "position"], name="gridkit_market_picture_place")
        ]

    def __str__(self) -> str:
        return f"{self.position + 1}. {self.caption or f'{self.width} x {self.height}'}"


def _refuse_frozen(fields: Iterable[str]) -> None:
    frozen = sorted(Release.FROZEN.intersection(fields))
    if frozen:
        raise ReleaseImmutableError(
            f"A release never changes, and {', '.join(frozen)} would. Publish another version instead."
        )
