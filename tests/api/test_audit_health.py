"""The health of the audit trail over the API: who may ask, and what is left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from gridkit_django.audit.delivery import declare_destination
from gridkit_django.audit.sealing import seal_all
from gridkit_django.tasks.audit import verify_audit
from tests.api.conftest import client_of
from tests.api.test_base import assert_problem

pytestmark = pytest.mark.django_db

HEALTH = "/gridkit/api/audit/health/"
VIEW = "gridkit_django.view_auditrecord"


def test_health_tells_the_figures_and_destinations_to_those_who_may_see_them(
    make_user: Callable[..., User], anonymous: APIClient, tmp_path: Any
) -> None:
    declare_destination("disk", f"file://{tmp_path}/trail.ndjson")
    before = client_of(make_user("early", VIEW)).get(HEALTH).json()["trails"][0]
    assert (before["verified"], before["sealed"], before["isLate"]) == (None, 0, False)
    seal_all()
    verify_audit()
    told = client_of(make_user("reader", VIEW)).get(HEALTH).json()["trails"][0]
    assert (told["database"], told["sealed"], told["unsealed"]) == ("default", 1, 1)
    assert (told["verified"]["faults"], told["verified"]["seals"], told["destinations"]) == (0, 1, [])
    keeper = client_of(make_user("keeper", VIEW, "gridkit_django.view_auditdestination"))
    (disk,) = keeper.get(HEALTH).json()["trails"][0]["destinations"]
    assert (disk["name"], disk["records"], disk["state"]) == ("disk", 1, "ready")
    assert_problem(client_of(make_user("other")).get(HEALTH), 403, "access-denied")
