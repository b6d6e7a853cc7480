"""The addresses of the example project."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.cache import cache_control
from django.views.generic import RedirectView


@cache_control(max_age=86_400, public=True)
def no_icon(_request: HttpRequest) -> HttpResponse:
    """Answer the browsers that ask every site for an icon."""
    return HttpResponse(status=204)


urlpatterns = [
    path("", RedirectView.as_view(url="/gridkit/grids/flights/")),
    path("favicon.ico", no_icon),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("gridkit/", include("gridkit_django.urls")),
    path("market/", include("gridkit_django.api.market.urls")),
]
