"""Sealing, verification, triggers, capture and evidence once more, over a record table that is partitioned."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from gridkit_django.audit.partitions import Conversion, converting, is_partitioned, partitions_of
from gridkit_django.models import AuditRecord
from tests.audit.test_barrier import (
    test_only_what_a_receipt_names_can_go_and_operations_go_after_their_records,
    test_records_and_operations_cannot_be_changed_or_removed_by_sql,
    test_truncate_is_refused,
)
from tests.audit.test_evidence import made, signer, test_export_proves_itself
from tests.audit.test_sealing import test_records_are_sealed_in_batches_that_follow_each_other
from tests.audit.test_triggers import (
    released,
    test_a_new_row_is_recorded_once_with_what_is_not_null,
    test_role_without_rights_on_the_trail_leaves_records_and_can_do_no_more,
    trail,
)
from tests.audit.test_verify import (
    test_deleted_record_is_missing,
    test_purged_records_do_not_break_the_proof_of_the_others,
    test_record_that_was_slipped_in_among_sealed_ones_is_added,
)

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases, pytest.mark.postgres_only]

__all__ = [
    "made",
    "released",
    "signer",
    "test_a_new_row_is_recorded_once_with_what_is_not_null",
    "test_deleted_record_is_missing",
    "test_export_proves_itself",
    "test_only_what_a_receipt_names_can_go_and_operations_go_after_their_records",
    "test_purged_records_do_not_break_the_proof_of_the_others",
    "test_record_that_was_slipped_in_among_sealed_ones_is_added",
    "test_records_and_operations_cannot_be_changed_or_removed_by_sql",
    "test_records_are_sealed_in_batches_that_follow_each_other",
    "test_role_without_rights_on_the_trail_leaves_records_and_can_do_no_more",
    "test_truncate_is_refused",
    "trail",
]


@pytest.fixture(autouse=True)
def partitioned(db: None) -> Iterator[None]:
    """Partition the table, in the transaction of the test, so finely that its records are in several partitions."""
    with pytest.MonkeyPatch.context() as patch:
        # These tests count records: that of the conversion would be one too many.
        patch.setattr(converting, "record", lambda *_args, **_kwargs: None)
        Conversion("default", size=2).run()
    yield
    assert is_partitioned(connection)


def test_records_of_these_tests_are_in_several_partitions(made: list[AuditRecord]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(DISTINCT tableoid) FROM {AuditRecord._meta.db_table}")
        assert cursor.fetchone()[0] > 2
    assert len(partitions_of(connection)) == 4
