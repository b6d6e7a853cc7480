"""``manage.py gridkit_audit_verify``: verify the audit trail, where it is stored or from an export."""

from __future__ import annotations

import gzip
import json
import zlib
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError

from gridkit_django.audit.sealing import sealed_aliases
from gridkit_django.audit.signing import SignatureCheck, TrustedKeys, public_key_of
from gridkit_django.audit.verifier import FileVerifier, Note, Report, collected, notes_in
from gridkit_django.audit.verify import DatabaseVerifier, Verification, run_verification
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import AuditError
from gridkit_django.models import AuditVerification

FOUND, UNUSABLE = 1, 2


class Command(BaseCommand):
    """Verifies seals, records, MACs and checkpoints. Ends with 1 when something is wrong, with 2 when it can't tell."""

    help = "Verifies the audit trail, in the databases or in an export."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--database", help="verify this one only; all that hold audit records otherwise")
        parser.add_argument("--from-seal", type=int, default=1, help="begin here, and take what is before as true")
        parser.add_argument("--checkpoint", action="append", default=[], help="file with checkpoints kept elsewhere")
        parser.add_argument("--public-key", action="append", default=[], help="trust this key; those of the site else")
        parser.add_argument("--file", help="verify this export instead of a database")
        parser.add_argument("--collected", action="store_true", help="the file is one that a destination appended to")
        parser.add_argument("--skip-repeats", action="store_true", help="do not look for copies over the whole table")
        parser.add_argument("--no-note", action="store_true", help="write nothing: neither a note of it nor a record")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")

    def handle(self, *_args: Any, as_json: bool, file: str | None, **options: Any) -> None:
        """Verify and print what was found.

        Raises:
            CommandError: when something is wrong (status 1), or nothing can be said (status 2).
        """
        try:
            trusted = self._trusted(options["public_key"])
            notes = [note for name in options["checkpoint"] for note in notes_in(Path(name).read_text())]
            if file is None:
                reports = [self._verify(alias, trusted, notes, options) for alias in self._aliases(options)]
            else:
                reports = [_plain_report(verify_file(file, trusted, notes, is_collected=options["collected"]))]
        except (AuditError, OSError, EOFError, ValueError, zlib.error) as error:
            raise CommandError(str(error), returncode=UNUSABLE) from error
        for report in reports:
            self.stdout.write(json.dumps(report) if as_json else _text(report))
        if count := sum(report["fault_count"] for report in reports):
            raise CommandError(f"{count} found.", returncode=FOUND)

    def _trusted(self, given: Sequence[str]) -> TrustedKeys:
        return TrustedKeys(map(public_key_of, given)) if given else TrustedKeys.of_site()

    def _aliases(self, options: dict[str, Any]) -> Sequence[str]:
        return [options["database"]] if options["database"] else sealed_aliases()

    def _verify(
        self, alias: str, trusted: TrustedKeys, notes: Sequence[Note], options: dict[str, Any]
    ) -> dict[str, Any]:
        verifier = DatabaseVerifier(
            alias,
            trusted=trusted,
            notes=notes,
            first=options["from_seal"],
            with_repeats=not options["skip_repeats"],
        )
        if options["no_note"]:
            return _plain(verifier.run())
        with acting(Actor.system("gridkit_audit_verify"), EventSource.SYSTEM):
            row = AuditVerification.objects.using(alias).create(requested_by="gridkit_audit_verify")
            result = run_verification(row, verifier)
        if result is None:
            raise AuditError(row.error)
        return _plain(result)


def verify_file(name: str, trusted: TrustedKeys, notes: Sequence[Note], *, is_collected: bool = False) -> Report:
    """Verify an export, packed or not.

    Args:
        name: of the file.
        trusted: keys that are believed.
        notes: checkpoints that were kept elsewhere.
        is_collected: a destination appended its lines as they came.

    Raises:
        OSError, EOFError, zlib.error: when it can't be read.
    """

    def right(key_id: str, message: bytes, signature: bytes) -> bool:
        return trusted.check(key_id, message, signature) is SignatureCheck.RIGHT

    names = (*trusted.public_keys, *trusted.site_keys)
    checks = {name: (lambda message, signature, name=name: right(name, message, signature)) for name in names}
    with _opened(name) as lines:
        told = collected(lines) if is_collected else lines
        return FileVerifier(trusted.public_keys.values(), notes, checks).check(told)


def _opened(name: str) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(name, "rb") if name.endswith(".gz") else Path(name).open("rb"))


def _plain(result: Verification) -> dict[str, Any]:
    faults = [{**asdict(fault), "kind": fault.kind.value} for fault in result.faults]
    return {**asdict(result), "faults": faults, "last_digest": result.last_digest.hex()}


def _plain_report(report: Report) -> dict[str, Any]:
    return {"alias": "export", "unsealed": 0, **asdict(report)}


def _text(report: dict[str, Any]) -> str:
    lines = [
        f"{fault['kind']}: seal {fault['seal'] or '-'}, record {fault['record'] or '-'}: {fault['detail']}"
        for fault in report["faults"]
    ]
    counts = ", ".join(f"{report[name]} {name}" for name in ("seals", "records", "purged", "unsealed"))
    digest = report["last_digest"] or "none"
    lines.append(f"{report['alias']}: {counts}; up to seal {report['last_seal']}, digest {digest}")
    lines.append("Nothing is wrong." if not report["fault_count"] else f"First: {lines[0]}")
    return "\n".join(lines)
