"""Rows that are written once: neither the model nor its queryset changes or removes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, TypeVar

from django.db import models

from gridkit_django.exceptions import AppendOnlyError

_Row = TypeVar("_Row", bound=models.Model, covariant=True)


class AppendOnlyQuerySet(models.QuerySet[_Row]):
    """Reads and appends; every other verb is refused."""

    def update(self, **kwargs: Any) -> int:
        """Refuse: records are append-only.

        Raises:
            AppendOnlyError: always.
        """
        raise AppendOnlyError(self._refusal())

    def bulk_create(self, objs: Iterable[_Row], *args: Any, **kwargs: Any) -> list[_Row]:
        """Append many records.

        Raises:
            AppendOnlyError: when a conflict would be answered with an update.
        """
        if kwargs.get("update_conflicts"):
            raise AppendOnlyError(self._refusal())
        return super().bulk_create(objs, *args, **kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refuse: records are append-only.

        Raises:
            AppendOnlyError: always.
        """
        raise AppendOnlyError(self._refusal())

    def _refusal(self) -> str:
        refusal: str = getattr(self.model, "REFUSAL", AppendOnlyModel.REFUSAL)
        return refusal


class AppendOnlyModel(models.Model):
    """A model whose rows can be written and read, but neither changed nor removed."""

    REFUSAL: ClassVar = "Audit records are written once. To correct one, write another record that refers to it."

    class Meta:
        abstract = True

    def save(self, **kwargs: Any) -> None:
        """Write a new row.

        Raises:
            AppendOnlyError: when it is stored already.
        """
        if not self._state.adding:
            raise AppendOnlyError(self.REFUSAL)
        # Without force_insert, Django turns the save of a new object with a known key into an UPDATE.
        super().save(**{**kwargs, "force_insert": True})

    def delete(self, using: Any = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        """Refuse: the rows are append-only.

        Raises:
            AppendOnlyError: always.
        """
        raise AppendOnlyError(self.REFUSAL)
