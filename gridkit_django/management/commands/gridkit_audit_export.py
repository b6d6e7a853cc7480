"""``manage.py gridkit_audit_export``: write sealed audit records into a file that others can verify."""

from __future__ import annotations

import gzip
import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS

from gridkit_django.audit import Target, record, verifier
from gridkit_django.audit.evidence import EvidenceWriter, one_moment
from gridkit_django.events import Actor, EventSource, acting


class Command(BaseCommand):
    """Writes the export for an auditor; that it was written is a record itself."""

    help = "Writes sealed audit records into a file that can be verified without this site."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("path", help="the new file (NDJSON); with .gz at the end it is packed")
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="whose records")
        parser.add_argument("--from-seal", type=int, default=1, help="number of the first seal")
        parser.add_argument("--to-seal", type=int, help="number of the last seal; the newest if left out")
        parser.add_argument("--with-verifier", action="store_true", help="put verifier.py beside it")

    def handle(self, *_args: Any, path: str, database: str, with_verifier: bool, **options: Any) -> None:
        """Write the file.

        Raises:
            CommandError: when it is there already or can't be written.
        """
        writer = EvidenceWriter(database, first=options["from_seal"], last=options["to_seal"])
        try:
            with _new(path) as file, one_moment(database):
                file.writelines(writer.lines())
            if with_verifier:
                shutil.copyfile(str(verifier.__file__), Path(path).with_name("verifier.py"))
        except OSError as error:
            raise CommandError(str(error)) from error
        facts = {"seals": writer.seals, "records": writer.records}
        with acting(Actor.system("command"), EventSource.SYSTEM):
            record("audit.export", target=Target("audit", database), evidence=facts)
        self.stdout.write(f"{writer.records} records under {writer.seals} seals.")


def _new(path: str) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "xb") if path.endswith(".gz") else Path(path).open("xb"))
