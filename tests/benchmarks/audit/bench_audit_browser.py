"""Reading 500,000 audit records in the admin: first page, deep page, a filter, the history of one object.

Beside django-auditlog's own admin over as many entries, when it is installed (``pip install django-auditlog``).
``GRIDKIT_BENCH_RECORDS=50000`` makes a quicker run.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import time
from collections.abc import Callable, Iterator, Mapping

from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from django.urls import path

from example_project.flights.models import Airline
from gridkit_django.admin import AuditHistoryMixin
from gridkit_django.models import AuditRecord
from tests.benchmarks.database import analyze, server_version
from tests.benchmarks.harness import Variant, compare, table

RECORDS = int(os.environ.get("GRIDKIT_BENCH_RECORDS", "500000"))
PEER = importlib.util.find_spec("auditlog") is not None
OURS = "/admin/gridkit_django/auditrecord/"
THEIRS = "/admin/auditlog/logentry/"
OBJECTS = 20_000

_OPERATIONS = """
INSERT INTO gridkit_django_auditoperation
  (id, source, correlation_id, impersonator_id, impersonator_label, reason, facts, occurred_at)
SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, (array['api', 'admin', 'orm'])[1 + mod(n, 3)],
       'c' || n, '', '', '', '{"ip": "192.0.2.1"}', now() - make_interval(secs => %s - n)
FROM generate_series(1, %s) n
"""
_RECORDS = """
INSERT INTO gridkit_django_auditrecord
  (uuid, operation_id, action, actor_kind, actor_id, actor_label, target_type, target_id, target_label, grid, changes,
   schema_version, occurred_at)
SELECT gen_random_uuid(), ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       (array['row.update', 'row.update', 'row.create', 'row.delete'])[1 + mod(n, 4)], 'user', '1', 'root',
       'flights.airline', (mod(n, %s))::text, 'Airline ' || mod(n, %s), '',
       jsonb_build_object('name', jsonb_build_array('a' || n, 'b' || n), 'code', jsonb_build_array(n, n + 1)), 1,
       now() - make_interval(secs => %s - n)
FROM generate_series(1, %s) n
"""
_ENTRIES = """
INSERT INTO auditlog_logentry
  (content_type_id, object_pk, object_id, object_repr, action, changes_text, changes, actor_id, cid, timestamp,
   actor_email)
SELECT %s, (mod(n, %s))::text, mod(n, %s), 'Airline ' || mod(n, %s), mod(n, 3), '',
       jsonb_build_object('name', jsonb_build_array('a' || n, 'b' || n), 'code', jsonb_build_array(n, n + 1)), %s,
       'c' || n, now() - make_interval(secs => %s - n), ''
FROM generate_series(1, %s) n
"""


def run() -> Iterator[str]:
    """Fill the tables and yield one table of figures for each question."""
    user = get_user_model().objects.create_superuser("bench-root", password="bench")
    with connection.cursor() as cursor:
        cursor.execute(_OPERATIONS, [RECORDS, RECORDS])
        cursor.execute(_RECORDS, [OBJECTS, OBJECTS, RECORDS, RECORDS])
    ours = admin.AdminSite(name="ours")
    ours.register(Airline, type("OurAdmin", (AuditHistoryMixin, admin.ModelAdmin), {}))
    urls = (path("ours/", ours.urls), *(_peer(user.pk) if PEER else ()))
    analyze()
    client = Client()
    with override_settings(ALLOWED_HOSTS=["*"], ROOT_URLCONF=_Urls(urls)):
        client.force_login(user)
        for title, variants in _questions(client).items():
            for clock, unit in ((time.perf_counter, "wall"), (time.process_time, "processor time of Python")):
                measured = compare(variants, rounds=9, clock=clock)
                conditions = {"records": f"{RECORDS:,}", "clock": unit, "database": server_version()}
                yield table(title, measured, conditions=conditions)


class _Urls:
    """The addresses of the example, after those of the peer."""

    def __init__(self, urls: tuple[object, ...]) -> None:
        project = importlib.import_module("example_project.urls")
        self.urlpatterns = [*urls, *project.urlpatterns]


def _peer(user_id: int) -> tuple[object, ...]:
    """Install django-auditlog into the running project and fill its table; return the addresses of its history."""
    apps.set_installed_apps([*(config.name for config in apps.get_app_configs()), "auditlog"])
    call_command("migrate", "auditlog", verbosity=0)
    kind = ContentType.objects.get_for_model(Airline).pk
    with connection.cursor() as cursor:
        cursor.execute(_ENTRIES, [kind, OBJECTS, OBJECTS, OBJECTS, user_id, RECORDS, RECORDS])
    importlib.import_module("auditlog.admin")
    mixin = importlib.import_module("auditlog.mixins").AuditlogHistoryAdminMixin
    site = admin.AdminSite(name="peer")
    site.register(Airline, type("PeerAdmin", (mixin, admin.ModelAdmin), {"show_auditlog_history_link": True}))
    return (path("peer/", site.urls), path("admin/", admin.site.urls))


def _questions(client: Client) -> Mapping[str, Mapping[str, Variant]]:
    newest = AuditRecord.objects.latest("pk").pk
    Airline.objects.get_or_create(pk="7", defaults={"name": "Seven"})
    deep = newest - RECORDS * 3 // 10
    ours = {
        "First page": OURS,
        "Deep page (30 % of the way down)": f"{OURS}?before={deep}",
        "One filter (deletions)": f"{OURS}?action=row.delete",
        "History of one object": "/ours/flights/airline/7/history/",
    }
    theirs = {
        "First page": THEIRS,
        "Deep page (30 % of the way down)": f"{THEIRS}?p={RECORDS * 3 // 10 // 100}",
        "One filter (deletions)": f"{THEIRS}?action__exact=2",
        "History of one object": "/peer/flights/airline/7/auditlog/",
    }
    asked: dict[str, dict[str, Variant]] = {}
    for title, address in ours.items():
        peer = {"django-auditlog's admin, 100 a page": _get(client, theirs[title])} if PEER else {}
        asked[title] = {**peer, "GridKit's admin, 50 a page": _get(client, address)}
    asked["History of one object"]["an admin page with no record on it"] = _get(client, "/ours/flights/", rows=False)
    return asked


def _get(client: Client, address: str, *, rows: bool = True) -> Callable[[], object]:
    def ask() -> None:
        answer = client.get(address)
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answered {answer.status_code}.")
        if rows:
            _require_rows(answer.content.decode())

    return ask


def _require_rows(text: str) -> None:
    """Make sure that the page holds records: an empty page is quick and worth nothing."""
    if "Airline" not in text and "airline" not in text:
        raise RuntimeError("The page holds no record.")
