"""Logins, failed logins and rights: who came in, who did not, and who may do what."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from django.contrib.auth import login
from django.contrib.auth.middleware import get_user
from django.contrib.auth.models import Group, Permission, User
from django.test import Client, RequestFactory
from rest_framework.authentication import BasicAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.views import APIView

from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.models import AuditRecord

pytestmark = pytest.mark.django_db

LOGIN = "/admin/login/"


@pytest.fixture(autouse=True)
def watched(settings: Any) -> Any:
    settings.GRIDKIT = {"AUDIT_ACCESS": True}
    yield
    settings.GRIDKIT = {}


@pytest.fixture
def ada() -> User:
    return User.objects.create_superuser("ada", password="right")


def told(action: str) -> AuditRecord:
    return AuditRecord.objects.get(action=action)


def test_login_and_logout_are_recorded_with_their_circumstances(ada: User) -> None:
    client = Client(headers={"User-Agent": "Browser/1"})
    client.post(LOGIN, {"username": "ada", "password": "right"})
    client.post("/admin/logout/")
    for action in ("user.login", "user.logout"):
        found = told(action)
        assert (found.actor_label, found.target_type, found.target_id) == ("ada", "auth.user", str(ada.pk))
        assert found.context["userAgent"] == "Browser/1"
        assert found.context["ip"] == "127.0.0.1"


def test_failed_login_names_the_account_and_nobody_who_acted(ada: User) -> None:
    Client().post(LOGIN, {"username": "ada", "password": "wrong-password"})
    found = told("user.login_failed")
    assert (found.actor_kind, found.target_id) == ("anonymous", str(ada.pk))
    assert "wrong-password" not in str(found.context)


class Guarded(APIView):
    """Asks for name and password in the view, as Django REST framework does; no middleware knows of it."""

    authentication_classes = (BasicAuthentication,)
    permission_classes = (IsAuthenticated,)


def test_failed_login_in_a_view_of_rest_framework_is_recorded_and_refused(ada: User) -> None:
    wrong = b64encode(b"ada:wrong-password").decode()
    request = RequestFactory().get("/", headers={"Authorization": f"Basic {wrong}"})
    assert Guarded.as_view()(request).status_code == 401
    found = told("user.login_failed")
    assert (found.target_id, found.context["ip"]) == (str(ada.pk), "127.0.0.1")


def test_login_in_place_of_somebody_names_who_was_there(ada: User) -> None:
    bob, client = User.objects.create_user("bob"), Client()
    client.force_login(ada)
    request = RequestFactory().get("/")
    request.session = client.session
    assert get_user(request) == ada
    login(request, bob, backend="django.contrib.auth.backends.ModelBackend")
    first, second = AuditRecord.objects.filter(action="user.login").order_by("pk")
    assert first.evidence is None
    assert (second.actor_label, second.evidence) == ("bob", {"previousUser": {"id": str(ada.pk), "label": "ada"}})


def test_user_name_that_a_policy_hides_is_no_label(ada: User) -> None:
    audit_policies().set("test", [AuditPolicy(model_label="auth.user", mask=frozenset({"username"}))])
    try:
        Client().post(LOGIN, {"username": "ada", "password": "wrong-password"})
    finally:
        audit_policies().drop("test")
    found = told("user.login_failed")
    assert (found.target_id, found.target_label) == (str(ada.pk), "")


def test_failed_login_of_nobody_keeps_no_name() -> None:
    for _ in range(2):
        Client().post(LOGIN, {"username": "my-password-by-mistake", "password": "x"})
    one, two = AuditRecord.objects.filter(action="user.login_failed")
    assert (one.target_type, one.target_id) == ("user", "")
    assert one.evidence == two.evidence
    assert "my-password" not in str(one.context)


def changes(action: str, kind: str) -> list[dict[str, Any]]:
    found = AuditRecord.objects.filter(action=action, target_type=kind).order_by("pk")
    return [dict(item.changes) for item in found]


def test_rights_of_users_and_groups_are_recorded_whoever_changes_them() -> None:
    user = User.objects.create_user("bob", password="x")
    group = Group.objects.create(name="editors")
    permission = Permission.objects.get(codename="view_auditrecord")
    AuditRecord.objects.all()
    user.groups.add(group)
    group.permissions.add(permission)
    user.is_superuser = True
    user.set_password("y")
    user.save()
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert changes("row.update", "auth.user") == [
        {"groups": [[], [group.pk]]},
        {"is_superuser": [False, True], "password": ["***", "***"]},
        {"is_active": [True, False]},
    ]
    assert changes("row.update", "auth.group") == [{"permissions": [[], [permission.pk]]}]
    assert changes("row.create", "auth.user")[0]["password"] == ["***", "***"]


def test_logins_that_nobody_asks_for_leave_nothing(ada: User, settings: Any) -> None:
    settings.GRIDKIT = {}
    client = Client()
    client.post(LOGIN, {"username": "ada", "password": "right"})
    client.post(LOGIN, {"username": "ada", "password": "wrong"})
    client.post("/admin/logout/")
    User.objects.filter(pk=ada.pk).update(is_staff=False)
    assert not AuditRecord.objects.filter(action__startswith="user.").exists()
    assert not AuditRecord.objects.filter(action="row.update").exists()
