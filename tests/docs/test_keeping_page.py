"""The page *Keep audit records for years, and let them go in time*: its commands for partitions, in their order."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from gridkit_django.audit.partitions import is_partitioned
from tests.docs.pages import blocks

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases, pytest.mark.postgres_only]


def test_commands_for_partitions_of_the_page_work_in_their_order(capsys: Any) -> None:
    lines = [line for block in blocks("console") for line in block.text.splitlines()]
    typed = [line.partition("manage.py ")[2] for line in lines if "gridkit_audit_partition" in line]
    for words in typed:
        call_command(*shlex.split(words))
    assert "ATTACH PARTITION" in capsys.readouterr().out
    assert is_partitioned(connection)
