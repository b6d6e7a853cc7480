"""The record table in parts (PostgreSQL): ranges of ids that go as a whole, each about a month of records."""

from __future__ import annotations

from gridkit_django.audit.partitions.ahead import make_ahead, month_of_ids
from gridkit_django.audit.partitions.catalog import Partition, is_partitioned, partitions_of, require_postgres
from gridkit_django.audit.partitions.converting import Conversion, remove_leftover
from gridkit_django.audit.partitions.dropping import detach, finish_detached, fold_empty, wait_for_detachment
from gridkit_django.audit.partitions.figures import PartitionFigures, figures_of
from gridkit_django.audit.partitions.undoing import Reversal
from gridkit_django.audit.partitions.watching import faults_of

__all__ = [
    "Conversion",
    "Partition",
    "PartitionFigures",
    "Reversal",
    "detach",
    "faults_of",
    "figures_of",
    "finish_detached",
    "fold_empty",
    "is_partitioned",
    "make_ahead",
    "month_of_ids",
    "partitions_of",
    "remove_leftover",
    "require_postgres",
    "wait_for_detachment",
]
