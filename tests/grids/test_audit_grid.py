"""The trail as a grid: for readers with the right, without what is judged record by record."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User

from gridkit_django.audit import Target, record
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.grids import GridQuery
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.answers import fetch_rows
from gridkit_django.grids.audit_grid import AuditRecordGrid
from gridkit_django.models import AuditRecord

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_grid_sorts_and_filters_the_trail_for_its_readers_only() -> None:
    with acting(Actor.system("x"), EventSource.TASK, reason="because"):
        record("row.update", target=Target("shop.product", "1", "Lamp"), changes={"name": ["a", "b"]})
    record("row.delete", target=Target("shop.product", "2", "Chair"))
    reader, stranger = (User.objects.create_user(name) for name in ("reader", "stranger"))
    reader.user_permissions.add(Permission.objects.get(codename="view_auditrecord"))
    question = {"filter": {"col": "source", "op": "eq", "value": "task"}}
    page = fetch_rows(GridAccess(AuditRecordGrid, reader), GridQuery.from_dict(question))
    (row,) = page.rows
    assert (row.data["target_id"], row.data["reason"], row.data["actor_label"]) == ("1", "because", "x")
    assert "Lamp" not in str(row.data)
    told = AuditRecord.objects.get(action="audit.read")
    assert told.evidence == {"grid": "audit", "query": question, "rows": [row.id]}
    assert fetch_rows(GridAccess(AuditRecordGrid, stranger), GridQuery.from_dict({})).rows == ()
