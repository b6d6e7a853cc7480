"""The parts of an installation: the plugins that come along with one, in order, and that one itself, last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gridkit_django.exceptions import PeersNotAgreedError
from gridkit_django.marketplace.client.peers import PeerPlan
from gridkit_django.marketplace.client.resolving import InstallPlan
from gridkit_django.marketplace.client.signed_times import with_times
from gridkit_django.marketplace.client.wire import RemoteRelease
from gridkit_django.plugins.operation_run import OperationRun


@dataclass(frozen=True, slots=True)
class Part:
    """One plugin that an operation brings.

    Attributes:
        plugin_id: its id.
        marketplace: name of its marketplace in the settings.
        release: the release.
        grants: the permissions that were agreed to, or ``"all"``.
        comes_along: whether it only comes because another one needs it.
    """

    plugin_id: str
    marketplace: str
    release: RemoteRelease
    grants: str | tuple[str, ...]
    comes_along: bool = False

    def content(self, run: OperationRun) -> str:
        """Return the digest of its files; empty before the gate has judged them."""
        return str(self._judged(run).get("digest", ""))

    def requires(self, run: OperationRun) -> list[str]:
        """Return what must be installed beside it."""
        return list(self._judged(run).get("requires", ()))

    def key(self, run: OperationRun) -> str:
        """Return the id of its author's key; empty for none."""
        facts = run.result("trust")
        return str(facts.get("peers", {}).get(self.plugin_id, "") if self.comes_along else facts.get("key", ""))

    def believed(self, run: OperationRun) -> RemoteRelease:
        """Return the release with the times that can be believed; the step ``download`` must be done."""
        times = run.result("download").get("times", {}).get(self.plugin_id)
        return self.release if times is None else with_times(self.release, times)

    def _judged(self, run: OperationRun) -> Mapping[str, Any]:
        facts = run.result("gate")
        found: Mapping[str, Any] = facts.get("peers", {}).get(self.plugin_id, {}) if self.comes_along else facts
        return found


def main_part(run: OperationRun) -> Part:
    """Return the plugin that was asked for; the step ``resolve`` must be done."""
    facts = run.result("resolve")
    release = RemoteRelease.model_validate(facts["release"])
    return Part(run.plugin_id, str(facts["marketplace"]), release, run.arguments.get("grants", "all"))


def peer_parts(run: OperationRun) -> tuple[Part, ...]:
    """Return the plugins that come along, in the order of their installation; the step ``resolve`` must be done."""
    agreed = {str(item["id"]): item for item in run.arguments.get("peers", ())}
    return tuple(
        Part(
            str(item["id"]),
            str(item["marketplace"]),
            RemoteRelease.model_validate(item["release"]),
            agreed[str(item["id"])].get("grants", ()),
            comes_along=True,
        )
        for item in run.result("resolve").get("peers", ())
    )


def all_parts(run: OperationRun) -> tuple[Part, ...]:
    """Return all plugins that an operation brings, those that are needed first."""
    return (*peer_parts(run), main_part(run))


def noted(peers: Iterable[PeerPlan]) -> list[dict[str, Any]]:
    """Return what the step ``resolve`` notes of the plugins that come along."""
    return [
        {
            "id": item.plugin_id,
            "marketplace": item.marketplace,
            "release": item.release.model_dump(mode="json"),
            "neededBy": item.needed_by,
        }
        for item in peers
    ]


def agreed_versions(peers: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the releases that a person has agreed to, by plugin id."""
    return {str(item["id"]): str(item["version"]) for item in peers if item.get("version")}


def agreeing(plan: InstallPlan, grants: str | None = None) -> list[dict[str, Any]]:
    """Return the argument ``peers`` of an operation that agrees to a plan.

    Args:
        plan: the plan.
        grants: ``"all"``; None for nothing.
    """
    return [{"id": item.plugin_id, "version": item.release.version, "grants": grants or []} for item in plan.peers]


def check_agreed(plan: InstallPlan, peers: Iterable[Mapping[str, Any]]) -> None:
    """Refuse to bring plugins along that nobody agreed to.

    Args:
        plan: the plan.
        peers: what was agreed to: ``id``, ``version`` (any, when there is none) and ``grants`` of each.

    Raises:
        PeersNotAgreedError: names them, with what they ask for.
    """
    known = {str(item["id"]) for item in peers}
    missing = [item for item in plan.peers if item.plugin_id not in known]
    if missing:
        names = ", ".join(f"{item.plugin_id} {item.release.version}" for item in missing)
        raise PeersNotAgreedError(
            f"{plan.listing.id} needs {names}, which would be installed with it. Read what they ask for, and ask again "
            "with them under peers.",
            extra={
                "peers": [
                    {
                        "id": item.plugin_id,
                        "version": item.release.version,
                        "neededBy": item.needed_by,
                        "permissions": list(item.asks_for),
                    }
                    for item in missing
                ]
            },
        )
