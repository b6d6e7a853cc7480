"""``manage.py gridkit_market_keys``: the key ceremony of a marketplace, step by step."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gridkit_django.exceptions import GridKitError
from gridkit_django.marketplace.trust import TrustRepository
from gridkit_django.marketplace.trust.ceremony import Draft, KeyPlan, plan_of
from gridkit_django.marketplace.trust.keys import new_private_key, public_text, read_signer, write_secret_file

PASSPHRASE = "GRIDKIT_KEY_PASSPHRASE"  # noqa: S105 -- the name of a variable


class Command(BaseCommand):
    """Makes keys, drafts root and targets, signs them, shows who must still sign, takes them into use."""

    help = "The key ceremony of a marketplace: key, draft, sign, show, install, renew, status."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the steps."""
        steps = parser.add_subparsers(dest="step", required=True)
        key = steps.add_parser("key", help="make a private key; it is encrypted when the passphrase is set")
        key.add_argument("path", help="the new file")
        draft = steps.add_parser("draft", help="begin the first root, or a rotation (--from)")
        draft.add_argument("folder", help="where the draft goes")
        draft.add_argument("--from", dest="before", help="folder with root.json and targets.json that are in use")
        _add_keys(draft)
        sign = steps.add_parser("sign", help="sign a draft with one key")
        sign.add_argument("folder")
        sign.add_argument("--key", required=True, help=f"private key; its passphrase is in {PASSPHRASE}")
        steps.add_parser("show", help="say who has signed and how many must still").add_argument("folder")
        steps.add_parser("install", help="take a signed draft into use, on the server").add_argument("folder")
        export = steps.add_parser("export", help="write root.json and targets.json that are in use, for a rotation")
        export.add_argument("folder")
        steps.add_parser("refresh", help="sign anew what is over half of its term, as the worker does")
        steps.add_parser("status", help="say until when everything holds")

    def handle(self, *_args: Any, step: str, **options: Any) -> None:
        """Do one step.

        Raises:
            CommandError: when it can't be done; says why.
        """
        try:
            getattr(self, f"_{step}")(options)
        except GridKitError as error:
            raise CommandError(f"[{error.code}] {error.detail}") from error
        except OSError as error:
            raise CommandError(str(error)) from error

    def _key(self, options: dict[str, Any]) -> None:
        write_secret_file(Path(options["path"]), new_private_key(os.environ.get(PASSPHRASE)))
        signer = read_signer(options["path"], os.environ.get(PASSPHRASE))
        self.stdout.write(f"Public key: {public_text(signer)}")

    def _draft(self, options: dict[str, Any]) -> None:
        folder = Path(options["folder"])
        if options["before"]:
            old = Draft.read(Path(options["before"]))
            root = (Path(options["before"]) / "root.json").read_bytes()
            draft = Draft.make(
                plan_of(root, **_given(options)), before=root, targets_version=old.targets.signed.version
            )
        else:
            draft = Draft.make(_plan(options))
        draft.write(folder)
        self._show(options)

    def _sign(self, options: dict[str, Any]) -> None:
        folder = Path(options["folder"])
        draft = Draft.read(folder)
        done = draft.sign(read_signer(options["key"], os.environ.get(PASSPHRASE)))
        draft.write(folder)
        self.stdout.write(f"Signed: {', '.join(done)}")
        self._show(options)

    def _show(self, options: dict[str, Any]) -> None:
        for state in Draft.read(Path(options["folder"])).states():
            need = f"{state.missing} more must sign" if state.missing else "signed by enough"
            self.stdout.write(f"{state.name}, version {state.version}, until {state.expires:%Y-%m-%d}: {need}")

    def _install(self, options: dict[str, Any]) -> None:
        folder = Path(options["folder"])
        root, targets = (folder / "root.json").read_bytes(), (folder / "targets.json").read_bytes()
        version = TrustRepository.of_site().install(root, targets)
        self.stdout.write(
            f"In use, as version {version}. Give {folder / 'root.json'} to the sites that are to trust you."
        )

    def _export(self, options: dict[str, Any]) -> None:
        folder = Path(options["folder"])
        folder.mkdir(parents=True, exist_ok=True)
        for name, raw in TrustRepository.of_site().offline_parts().items():
            (folder / name).write_bytes(raw)
            self.stdout.write(str(folder / name))

    def _refresh(self, _options: dict[str, Any]) -> None:
        done = TrustRepository.of_site().refresh()
        self.stdout.write("Signed anew." if done else "Nothing was over half of its term.")

    def _status(self, _options: dict[str, Any]) -> None:
        found = TrustRepository.of_site().expires()
        for name, moment in found.items():
            self.stdout.write(f"{name}: until {moment:%Y-%m-%d %H:%M} UTC")
        if not found:
            raise CommandError("There was no key ceremony yet.")


def _add_keys(parser: ArgumentParser) -> None:
    parser.add_argument("--root-key", action="append", default=[], help="public key of a holder of the root")
    parser.add_argument("--root-threshold", type=int, help="how many of them must sign")
    parser.add_argument("--targets-key", action="append", default=[], help="public key of a holder of the targets")
    parser.add_argument("--targets-threshold", type=int, help="how many of them must sign")
    parser.add_argument("--online-key", help="public key of MARKET_TRUST_KEY")


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Return what is to change, by the names of ``KeyPlan``."""
    given = {
        "root": tuple(options["root_key"]),
        "root_threshold": options["root_threshold"],
        "targets": tuple(options["targets_key"]),
        "targets_threshold": options["targets_threshold"],
        "online": options["online_key"],
    }
    return {name: value for name, value in given.items() if value}


def _plan(options: dict[str, Any]) -> KeyPlan:
    given = _given(options)
    missing = [name for name in KeyPlan.__dataclass_fields__ if name not in given]
    if missing:
        raise CommandError(f"The first draft needs all keys and thresholds; missing: {', '.join(missing)}.")
    return KeyPlan(**given)
