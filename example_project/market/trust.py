"""The keys of the demo's marketplace, and what they stand for.

All keys lie in one folder of the demo, the root's too: enough to see how it works. A real marketplace keeps the keys of
root and targets offline, with people who meet (see "Hold the keys of a marketplace").
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from gridkit_django.marketplace.trust import TrustRepository, make_author_key, public_key_of
from gridkit_django.marketplace.trust.ceremony import Draft, KeyPlan, plan_of
from gridkit_django.marketplace.trust.keys import new_private_key, public_text, read_signer, write_secret_file

_ROLES = ("root", "targets", "online")
_SOON = timedelta(days=30)


def author_key(name: str) -> tuple[bytes, str]:
    """Return the private and the public key of an author; they are made when there are none."""
    path = _folder() / f"{name}.author.pem"
    if not path.exists():
        private, _public = make_author_key()
        write_secret_file(path, private)
    private = path.read_bytes()
    return private, public_key_of(private)


def ensure_trust() -> TrustRepository:
    """Hold the key ceremony when there was none, or when what was signed ends soon; sign anew what grows old."""
    for role in _ROLES:
        if not _key(role).exists():
            write_secret_file(_key(role), new_private_key())
    repository = TrustRepository.of_site()
    terms = repository.expires()
    if not terms:
        _hold_ceremony(repository, Draft.make(_plan()))
        (_folder() / "root.json").write_bytes(repository.offline_parts()["root.json"])
    elif min(terms["root"], terms["targets"]) < timezone.now() + _SOON:
        parts = repository.offline_parts()
        plan = plan_of(parts["root.json"])
        (_folder() / "before").mkdir(exist_ok=True)
        for name, raw in parts.items():
            (_folder() / "before" / name).write_bytes(raw)
        version = Draft.read(_folder() / "before").targets.signed.version
        _hold_ceremony(repository, Draft.make(plan, before=parts["root.json"], targets_version=version))
    repository.refresh()
    return repository


def _hold_ceremony(repository: TrustRepository, draft: Draft) -> None:
    for role in ("root", "targets"):
        draft.sign(read_signer(str(_key(role))))
    draft.write(_folder() / "ceremony")
    read = (_folder() / "ceremony").joinpath
    repository.install(read("root.json").read_bytes(), read("targets.json").read_bytes())


def _plan() -> KeyPlan:
    root, targets, online = (public_text(read_signer(str(_key(role)))) for role in _ROLES)
    return KeyPlan(root=(root,), root_threshold=1, targets=(targets,), targets_threshold=1, online=online)


def _key(role: str) -> Path:
    return _folder() / f"{role}.pem"


def _folder() -> Path:
    folder: Path = settings.MARKET_DIR
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
