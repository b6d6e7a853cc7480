"""A grid made of what stands somewhere else already: the list of a ``ModelAdmin``, say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import models
from django.utils.text import capfirst

from gridkit_django.grids.grid import Grid
from gridkit_django.typing import User


def derive_grid(
    grid_id: str,
    model: type[models.Model],
    columns: Sequence[str],
    rows: Callable[[models.QuerySet[Any], User], models.QuerySet[Any]],
) -> type[Grid]:
    """Make a grid class of the fields of a model. It is not registered yet.

    Args:
        grid_id: the name of the grid.
        model: the model.
        columns: names of fields.
        rows: keeps of all rows those that a user may see.
    """
    options: dict[str, Any] = {
        "model": model,
        "id": grid_id,
        "label": capfirst(model._meta.verbose_name_plural),
        "columns": list(columns),
        "row_permission": staticmethod(rows),
        "creatable": False,
        "deletable": False,
    }
    return type(f"{model.__name__}AdminGrid", (Grid,), {"Meta": type("Meta", (), options), "__module__": __name__})
