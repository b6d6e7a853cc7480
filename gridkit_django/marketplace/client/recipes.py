"""The steps by which a plugin comes from a marketplace into every process, and back when one of them fails.

The wheel is kept by its digest after the download, and the plugin's files by theirs after the gate, so whoever goes on
after a killed worker needs nothing of it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from gridkit_django.exceptions import MarketplaceError, PackageRefusedError, PluginLoadError
from gridkit_django.marketplace.client.age import check_age
from gridkit_django.marketplace.client.canary import appoint_canary, is_wanted, stop_canary, try_canary
from gridkit_django.marketplace.client.counting import count
from gridkit_django.marketplace.client.dependencies import check_dependencies
from gridkit_django.marketplace.client.finding import get_listing
from gridkit_django.marketplace.client.hosts import prepare_hosts
from gridkit_django.marketplace.client.parts import (
    Part,
    agreed_versions,
    all_parts,
    check_agreed,
    main_part,
    noted,
)
from gridkit_django.marketplace.client.placing import part_files, part_source, peer_steps, write_origin
from gridkit_django.marketplace.client.probe import probe
from gridkit_django.marketplace.client.publisher_keys import known_key_of
from gridkit_django.marketplace.client.remotes import remote_named
from gridkit_django.marketplace.client.resolving import make_install_plan
from gridkit_django.marketplace.client.signed_times import times_of
from gridkit_django.marketplace.client.trusting import believe, check_author, fetch_package
from gridkit_django.marketplace.client.wire import RemoteRelease
from gridkit_django.marketplace.packaging import InspectedPackage, inspect_package, policy_of_site
from gridkit_django.models import AutoUpdate, InstalledPlugin, OperationKind, PluginSource, PluginVersion
from gridkit_django.plugins import plugin_manager
from gridkit_django.plugins.canaries import APPOINT, CANARY
from gridkit_django.plugins.change import get_row, raise_failure, riding
from gridkit_django.plugins.files import PluginFiles, digest_of
from gridkit_django.plugins.install import InstallRequest, install, uninstall
from gridkit_django.plugins.operation_recipes import local_recipe, noting_swap, swap_steps
from gridkit_django.plugins.operation_run import OperationRun, Step
from gridkit_django.plugins.packages import forget_files, keep_bytes, keep_files, kept_bytes
from gridkit_django.plugins.preparing import PREPARE
from gridkit_django.plugins.remains import DataFate, has_remains
from gridkit_django.plugins.remote import PREFIX
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.update import update_to

logger = logging.getLogger("gridkit_django.marketplace")


def marketplace_recipe(run: OperationRun) -> Sequence[Step] | None:
    """Return the steps of an operation that needs a marketplace; None for all others."""
    kind = OperationKind(run.operation.kind)
    peers = tuple(step for number in range(len(run.arguments.get("peers", ()))) for step in peer_steps(number))
    if kind is OperationKind.INSTALL and str(run.arguments.get("source", "")).startswith(PREFIX):
        return (*_FETCHING, *peers, *_installing(run), Step("count", _count, stops=False))
    if kind is OperationKind.UPDATE and _is_of_a_marketplace(run.plugin_id):
        return (*_FETCHING, *peers, *_trying(run), *swap_steps(_swap), Step("count", _count, stops=False))
    if kind is OperationKind.UNINSTALL and (run.is_done("note") or _is_of_a_marketplace(run.plugin_id)):
        remove = tuple(local_recipe(run))
        return (Step("note", _note_origin), *remove, Step("count", _count_removal, stops=False))
    return None


def _installing(run: OperationRun) -> tuple[Step, ...]:
    put = Step("switch", _put, _take_away)
    if not run.arguments.get("activate", True):
        return (put,)
    return put, Step("activate", _switch_on, stops=False), Step("start", _look_at_start, stops=False)


def _trying(run: OperationRun) -> tuple[Step, ...]:
    """Return the steps of a canary, where one is wanted or it has begun."""
    if not (is_wanted(run) or run.is_done(APPOINT)):
        return ()
    return Step(APPOINT, appoint_canary), Step(CANARY, try_canary, stop_canary)


def _is_of_a_marketplace(plugin_id: str) -> bool:
    rows = InstalledPlugin.objects.using(database())
    return rows.filter(plugin_id=plugin_id, source=PluginSource.MARKETPLACE).exists()


def _resolve(run: OperationRun) -> None:
    if policy := run.arguments.get("policy"):
        run.log(f"It came by itself: the policy is {AutoUpdate(policy).label}.")
    agreed = run.arguments.get("peers", ())
    plan = make_install_plan(run.plugin_id, run.arguments.get("version"), agreed_versions(agreed))
    release = plan.chosen()
    check_agreed(plan, agreed)
    for verdict in plan.verdicts:
        if verdict.reasons:
            run.log(f"Not {verdict.version}: {'; '.join(verdict.reasons)}.")
    run.log(f"{plan.listing.id} {release.version} from {plan.marketplace}, {release.size} bytes.")
    for warning in plan.warnings:
        run.log(warning)
    run.log(plan.sentence)
    for peer in plan.peers:
        run.log(
            f"{peer.plugin_id} {peer.release.version} comes along from {peer.marketplace}: {peer.needed_by} needs it."
        )
        run.log(" ".join((*peer.warnings, peer.sentence)))
    run.note(marketplace=plan.marketplace, release=release.model_dump(mode="json"), peers=noted(plan.peers))


def _download(run: OperationRun) -> None:
    run.note(times={part.plugin_id: times_of(_download_part(run, part)) for part in all_parts(run)})


def _download_part(run: OperationRun, part: Part) -> RemoteRelease:
    """Fetch the wheel, unless it is here, and return the release as it can be believed."""
    release, remote = part.release, remote_named(part.marketplace)
    if kept_bytes(release.digest) is not None:
        believed = believe(remote, release)
        check_age(part.marketplace, part.plugin_id, believed)
    else:
        content, believed = fetch_package(remote, release)
        check_age(part.marketplace, part.plugin_id, believed)
        run.check()
        if not keep_bytes(release.digest, content):
            raise PluginLoadError(
                f"{release.filename} has {len(content)} bytes, more than are kept. Raise PACKAGE_BYTES_MAX or set "
                "PACKAGE_STORAGE."
            )
        _tell(part, "download")
    run.log(f"Downloaded {release.filename}; its digest is what the marketplace stands for.")
    return believed


def _forget_package(run: OperationRun) -> None:
    if run.is_done("resolve"):
        forget_files([part.release.digest for part in all_parts(run)])


def _trust(run: OperationRun) -> None:
    keys = {part.plugin_id: _check_part(run, part) for part in all_parts(run)}
    run.note(key=keys.pop(run.plugin_id), peers=keys)


def _check_part(run: OperationRun, part: Part) -> str:
    known_key, listing = known_key_of(part.plugin_id), get_listing(part.plugin_id)
    key = check_author(remote_named(part.marketplace), listing, part.believed(run), known_key)
    whose = f" ({part.plugin_id})" if part.comes_along else ""
    if key:
        run.log(f"Signed by the author's key {key}{whose}.")
    else:
        run.log(f"It is not signed{whose}; MARKETPLACE_ALLOW_UNTRUSTED allows it.")
    return key


def _judge(run: OperationRun) -> None:
    facts = {part.plugin_id: _judge_part(run, part) for part in all_parts(run)}
    run.note(**facts.pop(run.plugin_id), peers=facts)


def _judge_part(run: OperationRun, part: Part) -> dict[str, Any]:
    package = inspect_package(_package(part), filename=part.release.filename, policy=policy_of_site())
    _check_same(part, package)
    files = _files_of(package)
    if not keep_files(files):
        raise PluginLoadError(f"The files of {package.plugin_id} are larger than what is kept (PACKAGE_BYTES_MAX).")
    run.log(f"The package passed the gate: {len(package.files)} files.")
    return {"digest": files.digest, "requires": list(package.requires_dist)}


def _forget_content(run: OperationRun) -> None:
    """Drop the files, unless a version of this site is made of them: it may run, wait or be a way back."""
    if not run.is_done("gate"):
        return
    digests = {part.content(run) for part in all_parts(run)}
    used = PluginVersion.objects.using(database()).filter(digest__in=digests)
    forget_files(digests - set(used.values_list("digest", flat=True)))


def _check_same(part: Part, package: InspectedPackage) -> None:
    """Refuse a package that is another than what was listed, and so than what a person has read and agreed to."""
    release = part.release
    told = (package.plugin_id, package.version, package.digest, frozenset(package.manifest.required_permissions))
    listed = (part.plugin_id, release.version, release.digest, frozenset(release.permissions))
    if told != listed:
        raise PackageRefusedError(
            f"The package says that it is {told[0]} {told[1]} and asks for {sorted(told[3])}; the marketplace listed "
            f"{listed[0]} {listed[1]}, asking for {sorted(listed[3])}.",
            rule="package-not-as-listed",
        )


def _depend(run: OperationRun) -> None:
    needs = {part.plugin_id: part.requires(run) for part in all_parts(run)}
    for plugin_id, requires in needs.items():
        check_dependencies(requires, plugin_id)
    found = [item for requires in needs.values() for item in requires]
    run.log(f"What it needs is installed here: {', '.join(found)}." if found else "It needs nothing beside it.")


def _probe(run: OperationRun) -> None:
    for part in all_parts(run):
        probe(part_files(run, part))
    run.log("Its code can be imported; that was tried in a process of its own.")


def _prepare(run: OperationRun) -> None:
    for part in all_parts(run):
        prepare_hosts(run, part.content(run), part.plugin_id)


_FETCHING = (
    Step("resolve", _resolve),
    Step("download", _download, _forget_package),
    Step("trust", _trust),
    Step("gate", _judge, _forget_content),
    Step("dependencies", _depend),
    Step("probe", _probe),
    Step(PREPARE, _prepare),
)


def _put(run: OperationRun) -> None:
    part = main_part(run)
    request = InstallRequest(part_source(run, part), config=run.config(), grants=part.grants, activate=False)
    run.note(kept=has_remains(run.plugin_id))
    with riding(partial(write_origin, run, part)):
        install(plugin_manager().runtime, request, run.user)
    run.log("Installed.")


def _take_away(run: OperationRun) -> None:
    if run.is_done("switch"):
        fate = DataFate.KEEP if run.result("switch").get("kept") else DataFate.PURGE
        uninstall(plugin_manager().runtime, run.plugin_id, run.user, fate)
        run.log("Uninstalled again.")


def _switch_on(run: OperationRun) -> None:
    plugin_manager().activate_plugin(run.plugin_id, user=run.user)
    run.log("Active. Other processes follow at their next request or task.")


def _look_at_start(run: OperationRun) -> None:
    manager = plugin_manager()
    manager.ensure_current()
    raise_failure(manager.runtime, get_row(run.plugin_id))


def _swap(run: OperationRun) -> None:
    part = main_part(run)
    with noting_swap(run) as before, riding(partial(write_origin, run, part)):
        grants = run.arguments.get("grants") or ()
        update_to(plugin_manager().runtime, run.plugin_id, part_source(run, part), grants, run.user)
    run.log(f"Version {part.release.version} is in use; before it was {before}.")


def _count(run: OperationRun) -> None:
    """Tell the marketplaces, and drop the wheels: the plugins' own files are what is kept."""
    parts = all_parts(run)
    forget_files([part.release.digest for part in parts])
    for part in parts:
        _tell(part, "install" if part.comes_along else str(run.operation.kind))


def _tell(part: Part, kind: str) -> None:
    """Tell the marketplace of one part; nothing depends on whether it hears it."""
    try:
        count(remote_named(part.marketplace), part.plugin_id, kind, part.release.version)
    except MarketplaceError as error:
        logger.info("The marketplace was not told of the %s of %s: %s", kind, part.plugin_id, error.detail)


def _note_origin(run: OperationRun) -> None:
    """Note what is counted after the plugin is gone."""
    version = get_row(run.plugin_id).current_version
    origin = version.origin if version is not None else {}
    run.note(marketplace=origin.get("marketplace", ""), version=version.version if version is not None else "")


def _count_removal(run: OperationRun) -> None:
    facts = run.result("note")
    try:
        count(remote_named(facts["marketplace"]), run.plugin_id, "uninstall", facts["version"])
    except MarketplaceError as error:
        logger.info("The marketplace was not told that %s is gone: %s", run.plugin_id, error.detail)


def _package(part: Part) -> bytes:
    """Return the wheel.

    Raises:
        PluginLoadError: when somebody deleted it meanwhile.
    """
    content = kept_bytes(part.release.digest)
    if content is None:
        raise PluginLoadError(f"The package of {part.plugin_id} is gone. Ask for it again.")
    return content


def _files_of(package: InspectedPackage) -> PluginFiles:
    contents = dict(package.files)
    return PluginFiles(package.plugin_id, package.plugin_id, MappingProxyType(contents), digest_of(contents), _nowhere)


def _nowhere() -> Any:
    raise FileNotFoundError("The files of a package that is being judged lie in no folder.")
