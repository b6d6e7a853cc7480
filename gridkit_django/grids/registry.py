"""The grids of this process, by id."""

from __future__ import annotations

from typing import TypeVar, cast

from django.apps import apps

from gridkit_django.exceptions import GridDeclarationError, GridNotFoundError
from gridkit_django.grids.grid import Grid
from gridkit_django.grids.known_questions import KnownQuestions
from gridkit_django.grids.schema_tags import SchemaTags

GridClass = TypeVar("GridClass", bound=type[Grid])


class GridRegistry:
    """Holds the registered grids. The app config owns the one of the process.

    Attributes:
        revision: another number after each change.
        schema_tags: the tags of the schemas of these grids.
        questions: the statements that are asked again and again.
    """

    def __init__(self) -> None:
        self._grids: dict[str, type[Grid]] = {}
        self.revision = 0
        self.schema_tags = SchemaTags()
        self.questions = KnownQuestions()

    def register(self, grid: type[Grid]) -> None:
        """Add a grid; adding the same class again changes nothing.

        Raises:
            GridDeclarationError: when the class is only a base, or another grid has its id.
        """
        grid_id = grid.declaration().options.id
        known = self._grids.setdefault(grid_id, grid)
        if known is not grid:
            raise GridDeclarationError(
                f"{grid.__module__}.{grid.__qualname__} and {known.__module__}.{known.__qualname__} both have the id "
                f"{grid_id!r}. Set Meta.id of one of them."
            )
        self._changed()

    def unregister(self, grid_id: str) -> None:
        """Take a grid away again, if it is there."""
        self._grids.pop(grid_id, None)
        self._changed()

    def get(self, grid_id: str) -> type[Grid]:
        """Return the grid with this id.

        Raises:
            GridNotFoundError: when there is none.
        """
        try:
            return self._grids[grid_id]
        except KeyError as error:
            raise grid_not_found(grid_id) from error

    def all(self) -> tuple[type[Grid], ...]:
        """Return all grids, ordered by id."""
        return tuple(self._grids[grid_id] for grid_id in sorted(self._grids))

    def _changed(self) -> None:
        self.revision += 1
        self.schema_tags.clear()
        self.questions.clear()


def grid_not_found(grid_id: str) -> GridNotFoundError:
    """Make the one answer for a grid that does not exist and for one that the user may not open."""
    return GridNotFoundError(f"There is no grid {grid_id[:100]!a}, or you may not open it.")


def grid_registry() -> GridRegistry:
    """Return this process's registry, which the app config owns."""
    return cast("GridRegistry", apps.get_app_config("gridkit_django").grid_registry)  # type: ignore[attr-defined]


def register(grid: GridClass) -> GridClass:
    """Register a grid class; use it as a decorator.

    Raises:
        GridDeclarationError: when another grid has the same id.
    """
    grid_registry().register(grid)
    return grid
