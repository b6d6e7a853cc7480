"""The form of keyset conditions, which decides whether a database can use an index."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.db.models import Q

from gridkit_django.grids import GridAccess
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.keyset import branches_after
from gridkit_django.grids.query import SortTerm
from gridkit_django.grids.sorting import OrderTerm, order_terms
from tests.grids.shop import ADMIN, OrderGrid, ProductGrid

FRAME = Frame(ZoneInfo("UTC"), "postgresql")


def terms(*sort: SortTerm) -> tuple[OrderTerm, ...]:
    return order_terms(GridAccess(ProductGrid, ADMIN), sort)


def test_condition_is_bounded_and_has_one_branch_without_nulls() -> None:
    assert branches_after(terms(SortTerm("stock", "desc")), [5, 7], FRAME) == [
        Q(stock__lte=5) & (Q(stock__lt=5) | (Q(stock__exact=5) & Q(id__lt=7)))
    ]


def test_nulls_at_the_end_are_a_branch_of_their_own() -> None:
    assert branches_after(terms(SortTerm("rating")), [1.5, 7], FRAME) == [
        Q(rating__gte=1.5) & (Q(rating__gt=1.5) | (Q(rating__exact=1.5) & Q(id__gt=7))),
        Q(rating__isnull=True),
    ]


def test_nulls_at_the_start_are_a_branch_before_the_values() -> None:
    first = terms(SortTerm("rating", nulls="first"))
    assert branches_after(first, [None, 7], FRAME) == [Q(rating__isnull=True) & Q(id__gt=7), Q(rating__isnull=False)]
    assert branches_after(first, [1.5, 7], FRAME) == [
        Q(rating__gte=1.5) & (Q(rating__gt=1.5) | (Q(rating__exact=1.5) & Q(id__gt=7)))
    ]


def test_after_null_at_the_end_nothing_but_more_nulls_comes() -> None:
    assert branches_after(terms(SortTerm("rating")), [None, 7], FRAME) == [Q(rating__isnull=True) & Q(id__gt=7)]


def test_boundary_inside_a_tie_splits_the_tie_only() -> None:
    found = branches_after(terms(SortTerm("stock"), SortTerm("rating")), [5, 1.5, 7], FRAME)
    inner = Q(rating__gte=1.5) & (Q(rating__gt=1.5) | (Q(rating__exact=1.5) & Q(id__gt=7)))
    assert found == [
        Q(stock__exact=5) & inner,
        Q(stock__gte=5) & (Q(stock__gt=5) | (Q(stock__exact=5) & Q(rating__isnull=True))),
    ]


def test_reverse_of_a_term_turns_direction_and_nulls() -> None:
    (term, key) = terms(SortTerm("rating", "desc"))
    assert (term.reversed().descending, term.reversed().nulls_first) == (False, True)
    assert term.reversed().reversed() == term
    assert (key.descending, key.reversed().descending) == (True, False)


def test_place_of_nulls_is_spelled_out_for_nullable_columns_only() -> None:
    rating, stock, _key = terms(SortTerm("rating", "desc"), SortTerm("stock", "desc"))
    assert rating.ordering().nulls_last
    assert not stock.ordering().nulls_last
    assert not rating.ordering(natural_nulls=True).nulls_last


def test_tie_break_runs_in_the_direction_of_the_last_term() -> None:
    """So that one index on (stock, id) serves both directions."""
    for descending in (False, True):
        *_others, key = terms(SortTerm("rating"), SortTerm("stock", "desc" if descending else "asc"))
        assert key.ordering().descending is descending
    (key,) = terms()
    assert not key.ordering().descending


def test_sort_by_the_key_itself_needs_no_tie_break() -> None:
    found = order_terms(GridAccess(OrderGrid, ADMIN), (SortTerm("id", "desc"),))
    assert [(term.path, term.descending) for term in found] == [("id", True)]
