"""The page *Seal and verify the audit trail*: its commands, one after the other, on a trail of their own."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import override_settings

from gridkit_django.audit import Target, record
from gridkit_django.models import AuditCheckpoint
from tests.docs.pages import blocks

pytestmark = pytest.mark.django_db

PAGE = "docs/how-to/audit-proof.md"


def commands() -> list[tuple[list[str], list[str]]]:
    """Return the words of each command of the page, and the lines that it shows as the answer."""
    found = []
    for block in blocks("console"):
        if block.page == PAGE:
            typed, *shown = block.text.splitlines()
            found.append((shlex.split(typed.removeprefix("$ python ").replace("<public key>", "PUBLIC")), shown))
    return found


def pattern(line: str) -> str:
    """Return what an answer must be like: an ellipsis stands for anything."""
    return ".*".join(map(re.escape, line.split("…")))


def answer(words: list[str]) -> str:
    """Run a command of the page and return what it printed."""
    if words[0] == "manage.py":
        out = StringIO()
        call_command(*words[1:], stdout=out)
        return out.getvalue()
    Path("kept.txt").write_text(AuditCheckpoint.objects.get().text)
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True).stdout


def test_commands_of_the_page_do_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(12):
        record("row.update", target=Target("shop.product", str(number)))
    public = ""
    assert len(commands()) == 7
    with override_settings(GRIDKIT={"AUDIT_SIGNING_KEY": "audit-key.pem"}):
        for words, shown in commands():
            out = answer([public if word == "PUBLIC" else word for word in words])
            for line in shown:
                assert re.search(pattern(line), out), (words, out)
            public = public or out.partition("Public key: ")[2].split()[0]
