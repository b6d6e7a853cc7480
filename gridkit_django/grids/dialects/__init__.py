"""Dialects: requests in the words of other grids, answered by the same engine through the same gate.

Each module translates for one product, and holds no query of its own: it turns a request into a canonical question, and
the page that answers it into what that product reads.
"""

from __future__ import annotations

from gridkit_django.grids.dialects.answering import answer_in_dialect
from gridkit_django.grids.dialects.reading import Dialect, Reading
from gridkit_django.grids.dialects.registry import DIALECTS, dialect_named

__all__ = ["DIALECTS", "Dialect", "Reading", "answer_in_dialect", "dialect_named"]
