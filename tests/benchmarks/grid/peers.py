"""The same pages as others make them: DRF with django-filter, django-tables2, the DataTables package for DRF."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import django_filters
import django_tables2
from django.db import transaction
from django.db.models import F, QuerySet
from django.test import RequestFactory
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import generics, serializers, viewsets
from rest_framework.filters import OrderingFilter
from rest_framework.pagination import CursorPagination, PageNumberPagination
from rest_framework.renderers import JSONRenderer
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework_datatables.filters import DatatablesFilterBackend
from rest_framework_datatables.pagination import DatatablesPageNumberPagination
from rest_framework_datatables.renderers import DatatablesRenderer

from tests.benchmarks.grid.sales import Sale

SIZE = 100
FIELDS = ("id", "code", "buyer_name", "category", "amount", "discount", "active", "placed")


class SaleSerializer(serializers.ModelSerializer[Sale]):
    """What all DRF peers write."""

    buyer_name = serializers.CharField(source="buyer.name", read_only=True)

    class Meta:
        model = Sale
        fields = FIELDS


class SaleFilters(django_filters.FilterSet):
    """The filters of the comparison."""

    class Meta:
        model = Sale
        fields = {"category": ["exact"], "amount": ["gte", "lt"]}


class Pages(PageNumberPagination):
    """Pages by number, with the count that its answer holds."""

    page_size = SIZE


class Cursors(CursorPagination):
    """Pages by cursor."""

    page_size = SIZE
    ordering = ("-placed", "-id")


class SaleList(generics.ListAPIView[Sale]):
    """DRF with django-filter, as its documentation shows it; the join is there."""

    queryset = Sale.objects.select_related("buyer")
    serializer_class = SaleSerializer
    renderer_classes = (JSONRenderer,)
    filter_backends = (DjangoFilterBackend, OrderingFilter)
    filterset_class = SaleFilters
    ordering_fields = ("placed", "discount", "id")
    pagination_class: Any = Pages


class SaleCursorList(SaleList):
    """The same by cursor."""

    filter_backends = (DjangoFilterBackend,)
    pagination_class = Cursors


class SaleDetail(generics.UpdateAPIView[Sale]):
    """One edit by DRF."""

    queryset = Sale.objects.select_related("buyer")
    serializer_class = SaleSerializer
    renderer_classes = (JSONRenderer,)


class SaleLockedDetail(SaleDetail):
    """The same with what keeps two edits apart: a transaction, a lock on the row, and the model's own judgement."""

    queryset = Sale.objects.select_for_update(of=("self",)).select_related("buyer")

    @transaction.atomic
    def update(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Update in a transaction."""
        return super().update(request, *args, **kwargs)

    def perform_update(self, serializer: Any) -> None:
        """Save, judged as a form would."""
        serializer.save()
        serializer.instance.full_clean()


class SaleDataTables(viewsets.ReadOnlyModelViewSet[Sale]):
    """The DataTables package."""

    queryset = Sale.objects.select_related("buyer")
    serializer_class = SaleSerializer
    renderer_classes = (DatatablesRenderer,)
    filter_backends = (DatatablesFilterBackend,)
    pagination_class = DatatablesPageNumberPagination


class SaleTable(django_tables2.Table):
    """django-tables2 writes HTML."""

    buyer_name = django_tables2.Column(accessor="buyer__name")

    class Meta:
        model = Sale
        fields = FIELDS


TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(django_tables2.__file__).parent / "templates"],
        "OPTIONS": {"libraries": {"django_tables2": "django_tables2.templatetags.django_tables2"}},
    }
]
"""The templates of django-tables2, for a project that has it not among its apps."""


class Peers:
    """Asks the peers on behalf of a user.

    Args:
        user: who asks.
    """

    def __init__(self, user: Any) -> None:
        self._user = user
        self._requests = APIRequestFactory(SERVER_NAME="localhost")
        self._list, self._cursors = SaleList.as_view(), SaleCursorList.as_view()
        self._tables = SaleDataTables.as_view({"get": "list"})
        self._detail, self._locked_detail = SaleDetail.as_view(), SaleLockedDetail.as_view()

    def pages(self, page: int, ordering: str, **filters: Any) -> bytes:
        """A page of DRF by number."""
        return self._get(self._list, {"page": page, "ordering": ordering, **filters})

    def cursor_page(self, link: str | None, **filters: Any) -> bytes:
        """A page of DRF by cursor: the first, or the one that a link of an answer leads to."""
        held = {key: values[0] for key, values in parse_qs(urlsplit(link or "").query).items()}
        return self._get(self._cursors, {**held, **filters})

    def data_tables(self, start: int, column: str, **filters: str) -> bytes:
        """A page of the DataTables package."""
        asked: dict[str, Any] = {"draw": 1, "start": start, "length": SIZE, "format": "datatables"}
        for index, name in enumerate(FIELDS):
            path = "buyer.name" if name == "buyer_name" else name
            asked |= {f"columns[{index}][data]": name, f"columns[{index}][name]": path}
            asked |= {f"columns[{index}][searchable]": "true", f"columns[{index}][orderable]": "true"}
            asked |= {f"columns[{index}][search][value]": filters.get(name, "")}
        asked |= {"order[0][column]": FIELDS.index(column), "order[0][dir]": "desc"}
        return self._get(self._tables, asked)

    def tables2(self, page: int, order: str, rows: QuerySet[Sale] | None = None) -> str:
        """A page of django-tables2."""
        request = RequestFactory(SERVER_NAME="localhost").get("/", {"page": page})
        table = SaleTable(Sale.objects.select_related("buyer") if rows is None else rows, order_by=order)
        table.paginate(page=page, per_page=SIZE)
        return str(table.as_html(request))

    def edit(self, pk: int, code: str, *, locked: bool = False) -> bytes:
        """One edit by DRF."""
        request = self._requests.patch("/", {"code": code}, format="json")
        return self._answer(self._locked_detail if locked else self._detail, request, pk=pk)

    def _get(self, view: Callable[..., Any], asked: dict[str, Any]) -> bytes:
        return self._answer(view, self._requests.get("/", asked))

    def _answer(self, view: Callable[..., Any], request: Any, **names: Any) -> bytes:
        force_authenticate(request, user=self._user)
        response = view(request, **names).render()
        if response.status_code != 200:
            raise ValueError(f"A peer answered {response.status_code}: {response.content[:500]!r}")
        return bytes(response.content)


def by_discount() -> QuerySet[Sale]:
    """The order that a peer must be given to have blanks last."""
    return Sale.objects.select_related("buyer").order_by(F("discount").desc(nulls_last=True), "-id")
