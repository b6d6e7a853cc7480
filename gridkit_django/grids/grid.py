"""The ``Grid`` base class: a declaration of what of a model's rows people may see and do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from django.db import models

from gridkit_django.exceptions import GridDeclarationError
from gridkit_django.grids.columns import Column
from gridkit_django.grids.declaration import Declaration, Fault, rows_faults
from gridkit_django.grids.options import GridOptions, read_options
from gridkit_django.typing import User


class Grid:
    """A declared grid over a model.

    Subclass it in your app's ``grids.py``::

        @register
        class OrderGrid(Grid):
            customer = TextColumn("customer__name")
            note = TextColumn(editable=True)

            class Meta:
                model = Order
                columns = ["placed", "customer", "quantity", "note"]
                default_sort = ["-placed"]
                search = ["customer", "note"]

    Columns are attributes; a name in ``Meta.columns`` without an attribute becomes the column of the model field with
    this name. ``GridOptions`` describes every option of ``Meta``. A class without ``Meta`` is a base for others.

    A grid is never instantiated: ``open_grid`` gives a ``GridAccess``, which holds the grid and the user.

    Attributes:
        options: what ``Meta`` says; not there on a base.
    """

    options: ClassVar[GridOptions]
    _declared: ClassVar[Mapping[str, Column]] = MappingProxyType({})
    _declaration: ClassVar[Declaration | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Column)}
        if taken := sorted(set(own) & set(dir(Grid))):
            raise GridDeclarationError(
                f"{cls.__name__} declares the columns {', '.join(taken)}, which are names of Grid itself. Name "
                "the attribute otherwise and give the field as its source."
            )
        inherited: dict[str, Column] = {}
        for base in reversed(cls.__mro__[1:]):
            inherited.update(getattr(base, "_declared", {}))
        cls._declared = MappingProxyType({**inherited, **own})
        meta = vars(cls).get("Meta")
        cls._declaration = None
        if meta is not None:
            cls.options = read_options(cls.__name__, meta)
            cls._declaration = Declaration(cls.__name__, cls.options, cls._declared, frozenset(own))

    @classmethod
    def declaration(cls) -> Declaration:
        """Return what was declared.

        Raises:
            GridDeclarationError: when the class has no ``Meta`` of its own and so is only a base for others.
        """
        if cls._declaration is None:
            raise GridDeclarationError(f"{cls.__name__} has no class Meta with a model, so it is no grid yet.")
        return cls._declaration

    @classmethod
    def columns(cls) -> Mapping[str, Column]:
        """Return all bound columns by id, in order. What a user may see of them, ``GridAccess`` decides.

        Raises:
            GridDeclarationError: when the declaration has faults.
        """
        return cls.declaration().columns

    @classmethod
    def faults(cls) -> list[Fault]:
        """Return what is wrong with the declaration, for the system checks."""
        return [*cls.declaration().faults(), *rows_faults(cls.get_queryset())]

    @classmethod
    def get_queryset(cls) -> models.QuerySet[Any]:
        """Return the rows that the grid is about, before row permissions. Override to narrow them."""
        return cls.options.model._default_manager.all()

    @classmethod
    def new_row(cls, user: User) -> models.Model:
        """Return the unsaved row that a new one starts from. Override to fill in what people don't give.

        Args:
            user: who makes the row.
        """
        del user
        return cls.options.model()
