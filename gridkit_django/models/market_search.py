"""What the search of the marketplace reads: one narrow row a listing, in step with it, and the words of all names."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from gridkit_django.models.market_listings import Listing


class MarketSearchRow(models.Model):
    """A public listing as the search sees it. Descriptions stay out: ranking a common word would read them all."""

    listing = models.OneToOneField(
        Listing, verbose_name=_("listing"), on_delete=models.CASCADE, primary_key=True, related_name="search_row"
    )
    plugin_id = models.CharField(_("plugin id"), max_length=200)
    slug = models.CharField(_("second half of the id"), max_length=200, db_index=True)
    folded_name = models.CharField(_("name in small letters"), max_length=200, db_index=True)
    words = models.TextField(_("words of name and id"))
    tag_words = models.TextField(_("words of tags, category and publisher"))
    summary = models.TextField(_("summary"))
    category = models.CharField(_("category"), max_length=20)
    tags = models.JSONField(_("tags"), default=list)
    verified = models.BooleanField(_("reviewed"), default=False)
    free = models.BooleanField(_("free"), default=True)
    deprecated = models.BooleanField(_("deprecated"), default=False)
    featured = models.PositiveIntegerField(_("place among the featured"), null=True)
    rating = models.FloatField(_("rating, smoothed"), default=0)
    downloads = models.PositiveBigIntegerField(_("downloads"), default=0)
    popularity = models.FloatField(_("popularity"), default=0)
    weight = models.FloatField(_("what a match is multiplied with"), default=0.4)
    updated_at = models.DateTimeField(_("last release at"))

    class Meta:
        verbose_name = _("row of the search")
        verbose_name_plural = _("rows of the search")
        indexes: ClassVar = [
            models.Index(fields=["-weight", "listing"], name="gridkit_market_by_weight"),
            models.Index(fields=["-popularity", "listing"], name="gridkit_market_by_popularity"),
            models.Index(fields=["-downloads", "listing"], name="gridkit_market_by_downloads"),
            models.Index(fields=["-rating", "listing"], name="gridkit_market_by_rating"),
            models.Index(fields=["-updated_at", "listing"], name="gridkit_market_by_update"),
            models.Index(fields=["folded_name", "listing"], name="gridkit_market_by_name"),
            models.Index(fields=["category", "-weight"], name="gridkit_market_by_category"),
            models.Index(fields=["plugin_id"], name="gridkit_market_by_id"),
        ]

    def __str__(self) -> str:
        return self.plugin_id


class MarketSpelling(models.Model):
    """A word of a name with one letter left out: a mistyped word leads to the right one by an index."""

    variant = models.CharField(_("spelling"), max_length=60)
    word = models.CharField(_("word"), max_length=60)

    class Meta:
        verbose_name = _("spelling")
        verbose_name_plural = _("spellings")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["variant", "word"], name="gridkit_market_spelling_once")
        ]

    def __str__(self) -> str:
        return f"{self.variant} → {self.word}"
