"""Addresses of the marketplace, below the prefix that the site mounts: ``path("market/", include(…))``."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path, register_converter

from gridkit_django.api.converters import PluginIdConverter
from gridkit_django.api.document import OpenAPIDocument
from gridkit_django.api.market.views import counting, finding, front, keys, listings, mails, publishing, simple
from gridkit_django.api.views import documents

app_name = "gridkit_market"

register_converter(PluginIdConverter, "gridkit_market_plugin")

_PLUGIN = "api/v1/plugins/<gridkit_market_plugin:plugin>"
_RELEASE = "api/v1/releases/<gridkit_market_plugin:plugin>/<str:version>"

endpoints: list[URLPattern] = [
    path("api/v1/", finding.IndexView.as_view(), name="market-index"),
    path("api/v1/plugins/", finding.SearchView.as_view(), name="market-search"),
    path("api/v1/featured/", finding.FeaturedView.as_view(), name="market-featured"),
    path("api/v1/popular/", finding.PopularView.as_view(), name="market-popular"),
    path("api/v1/new/", finding.NewView.as_view(), name="market-new"),
    path("api/v1/categories/", finding.CategoriesView.as_view(), name="market-categories"),
    path("api/v1/categories/<slug:category>/", finding.CategoryView.as_view(), name="market-category"),
    path("api/v1/facets/", finding.FacetsView.as_view(), name="market-facets"),
    path("api/v1/suggest/", finding.SuggestView.as_view(), name="market-suggest"),
    path("api/v1/advisories/", listings.AdvisoriesView.as_view(), name="market-advisories"),
    path("api/v1/changes/", listings.ChangesView.as_view(), name="market-changes"),
    path(f"{_PLUGIN}/events/", counting.EventsView.as_view(), name="market-events"),
    path(f"{_PLUGIN}/rating/", counting.RatingView.as_view(), name="market-rating"),
    path(f"{_PLUGIN}/analytics/", counting.AnalyticsView.as_view(), name="market-analytics"),
    path(f"{_PLUGIN}/reports/", counting.ReportsView.as_view(), name="market-reports"),
    path(f"{_PLUGIN}/unpublish/", publishing.UnpublishView.as_view(), name="market-unpublish"),
    path(f"{_PLUGIN}/state/", front.StateView.as_view(), name="market-state"),
    path(f"{_PLUGIN}/front/", front.FrontView.as_view(), name="market-front"),
    path(f"{_PLUGIN}/front/icon/", front.IconView.as_view(), name="market-icon"),
    path(f"{_PLUGIN}/front/screenshots/", front.ScreenshotsView.as_view(), name="market-screenshots"),
    path(f"{_PLUGIN}/front/screenshots/<slug:sha256>/", front.ScreenshotView.as_view(), name="market-screenshot"),
    path(f"{_PLUGIN}/", listings.ListingView.as_view(), name="market-plugin"),
    path("api/v1/publishers/<slug:publisher>/keys/", keys.KeysView.as_view(), name="market-keys"),
    path("api/v1/publishers/<slug:publisher>/mails/", mails.MailsView.as_view(), name="market-mails"),
    path("api/v1/releases/", publishing.PublishView.as_view(), name="market-publish"),
    path(f"{_RELEASE}/submit/", publishing.SubmitView.as_view(), name="market-submit"),
    path(f"{_RELEASE}/yank/", publishing.YankView.as_view(), name="market-yank"),
    path(f"{_RELEASE}/unyank/", publishing.UnyankView.as_view(), name="market-unyank"),
    path(f"{_RELEASE}/", publishing.ReleaseView.as_view(), name="market-release"),
    path("files/<slug:sha256>/<str:filename>.metadata", listings.FileMetadataView.as_view(), name="market-metadata"),
    path("files/<slug:sha256>/<str:filename>", listings.FileView.as_view(), name="market-file"),
    path("tuf/<str:name>", listings.TrustView.as_view(), name="market-trust"),
    path("pictures/<slug:sha256>.png", listings.PictureView.as_view(), name="market-picture"),
    path("simple/", simple.SimpleIndexView.as_view(), name="market-simple"),
    path("simple/<str:project>/", simple.SimpleProjectView.as_view(), name="market-simple-project"),
]
document = OpenAPIDocument(endpoints)
endpoints.append(path("api/v1/schema/", documents.OpenAPIView.as_view(document=document), name="openapi"))

urlpatterns = [*endpoints, re_path(r"^.*$", documents.NothingHereView.as_view())]
