"""The HTTP face of this site's own marketplace: ``path("market/", include("gridkit_django.api.market.urls"))``."""
