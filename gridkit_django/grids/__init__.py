"""Public door: declare grids and columns, find grids, open them, query them, edit rows, call methods."""

from __future__ import annotations

from gridkit_django.grids.access import GridAccess, open_grid, open_grids
from gridkit_django.grids.answers import fetch_rows
from gridkit_django.grids.batch import BatchItem, BatchResult, apply_batch
from gridkit_django.grids.bulk import BulkChange, BulkResult, carry_out_bulk
from gridkit_django.grids.columns import (
    BooleanColumn,
    CellStyle,
    ChoiceColumn,
    Column,
    DateColumn,
    DateFormat,
    DateTimeColumn,
    DecimalColumn,
    FloatColumn,
    IntegerColumn,
    JSONColumn,
    NumberFormat,
    TextColumn,
    TimeColumn,
    UUIDColumn,
)
from gridkit_django.grids.creation import create_row
from gridkit_django.grids.deletion import DeleteResult, delete_row
from gridkit_django.grids.editing import EditResult, apply_edit
from gridkit_django.grids.grid import Grid
from gridkit_django.grids.methods import (
    MethodCall,
    MethodProvider,
    MethodResult,
    MethodSpec,
    call_method,
    list_methods,
    method_provider,
)
from gridkit_django.grids.operators import Op
from gridkit_django.grids.options import GridOptions
from gridkit_django.grids.personal import personal_columns
from gridkit_django.grids.query import CountMode, CursorWindow, GridQuery, OffsetWindow, SortTerm
from gridkit_django.grids.records import get_record
from gridkit_django.grids.registry import GridRegistry, grid_registry, register
from gridkit_django.grids.rows import Row, RowsPage, count_rows
from gridkit_django.grids.search_backends import SearchBackend
from gridkit_django.grids.selection import Selection
from gridkit_django.grids.sensitive import searched_columns, sensitive_columns
from gridkit_django.grids.undo import UndoResult, undo_change

__all__ = [
    "BatchItem",
    "BatchResult",
    "BooleanColumn",
    "BulkChange",
    "BulkResult",
    "CellStyle",
    "ChoiceColumn",
    "Column",
    "CountMode",
    "CursorWindow",
    "DateColumn",
    "DateFormat",
    "DateTimeColumn",
    "DecimalColumn",
    "DeleteResult",
    "EditResult",
    "FloatColumn",
    "Grid",
    "GridAccess",
    "GridOptions",
    "GridQuery",
    "GridRegistry",
    "IntegerColumn",
    "JSONColumn",
    "MethodCall",
    "MethodProvider",
    "MethodResult",
    "MethodSpec",
    "NumberFormat",
    "OffsetWindow",
    "Op",
    "Row",
    "RowsPage",
    "SearchBackend",
    "Selection",
    "SortTerm",
    "TextColumn",
    "TimeColumn",
    "UUIDColumn",
    "UndoResult",
    "apply_batch",
    "apply_edit",
    "call_method",
    "carry_out_bulk",
    "count_rows",
    "create_row",
    "delete_row",
    "fetch_rows",
    "get_record",
    "grid_registry",
    "list_methods",
    "method_provider",
    "open_grid",
    "open_grids",
    "personal_columns",
    "register",
    "searched_columns",
    "sensitive_columns",
    "undo_change",
]
