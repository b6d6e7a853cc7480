"""What the demo's marketplace lists: small plugins in `plugins/`, some of them in more than one version."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gridkit_django.marketplace.packaging import BuiltPackage, build_package

PLUGINS = Path(__file__).parent / "plugins"
_FIRST = ("events:subscribe", "storage:use", "methods:register")


@dataclass(frozen=True, slots=True)
class Goods:
    """One version of a plugin that the marketplace is given.

    Attributes:
        folder: its name in ``plugins/``, which is the import package.
        version: the version that is packed.
        permissions: what this version asks for; None for what stands in the folder's manifest.
        waits: whether nobody has looked at it yet, so that it waits in the queue of reviews.
        yanked: why it was taken back; empty when it was not.
    """

    folder: str
    version: str
    permissions: tuple[str, ...] | None = None
    waits: bool = False
    yanked: str = ""

    @property
    def publisher(self) -> str:
        """The name of who publishes it."""
        return self.folder.partition("_")[0]

    @property
    def plugin_id(self) -> str:
        """Its id in the marketplace."""
        return f"@{self.publisher}/{self.folder.partition('_')[2].replace('_', '-')}"


GOODS = (
    Goods("demo_edit_counter", "1.0.0", _FIRST),
    Goods("demo_edit_counter", "1.1.0", (*_FIRST, "reports:register")),
    Goods("demo_edit_counter", "2.0.0", waits=True),
    Goods("demo_edit_digest", "1.0.0"),
    Goods("demo_wheels_up", "1.0.0"),
    Goods("demo_wheels_up", "1.1.0", yanked="It takes early flights for late ones. Use 1.0.0."),
    Goods("demo_know_it_all", "1.0.0"),
    Goods("stranger_lucky_dip", "1.0.0"),
)


def pack(goods: Goods) -> BuiltPackage:
    """Pack a version as its author did at the time: with that number, what it asked for, and the changes up to it."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / goods.folder
        shutil.copytree(PLUGINS / goods.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
        manifest, changes = folder / "plugin.toml", folder / "CHANGELOG.md"
        manifest.write_text(_manifest(manifest.read_text(encoding="utf-8"), goods), encoding="utf-8")
        changes.write_text(_until(changes.read_text(encoding="utf-8"), goods.version), encoding="utf-8")
        return build_package(folder)


def _manifest(text: str, goods: Goods) -> str:
    text = re.sub(r'^version = ".*"$', f'version = "{goods.version}"', text, flags=re.MULTILINE)
    if goods.permissions is None:
        return text
    names = ", ".join(f'"{name}"' for name in goods.permissions)
    return re.sub(r"^required_permissions = .*$", f"required_permissions = [{names}]", text, flags=re.MULTILINE)


def _until(changes: str, version: str) -> str:
    """Return a changelog without what came after a version."""
    head, _, _ = changes.partition("\n## ")
    return f"{head}\n{changes[changes.index(f'## {version}') :]}"
