"""The pure plan: order, reasons, circles, and what a change would do; held against properties on made-up sites."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridkit_django.plugins import ChangeKind, Plan, PlanChange, PlannedPlugin, PluginMetadata, make_plan
from gridkit_django.plugins.ranges import admits
from tests.plugins.samples import metadata

CORE = "1.4.0"
IDS = ("a", "b", "c", "d", "e", "f")
BRISK = settings(max_examples=30, deadline=None)


def plugin(plugin_id: str, *, wanted: bool = True, blocked: str = "", **values: object) -> PlannedPlugin:
    return PlannedPlugin(plugin_id, metadata(plugin_id, **values), wanted=wanted, blocked=blocked)


def details(plan: Plan, plugin_id: str) -> list[str]:
    return [item.detail for item in plan.held[plugin_id]]


@st.composite
def manifests(draw: st.DrawFn, plugin_id: str) -> PluginMetadata:
    peers = draw(st.lists(st.sampled_from(IDS), max_size=2, unique=True))
    ranges = draw(st.lists(st.sampled_from(["", " >=1,<2", " >=2"]), min_size=len(peers), max_size=len(peers)))
    return metadata(
        plugin_id,
        version=draw(st.sampled_from(["1.0.0", "2.0.0"])),
        core_version=draw(st.sampled_from(["*", "*", "*", ">=1,<2", ">=9"])),
        peer_plugins=[f"{peer}{text}" for peer, text in zip(peers, ranges, strict=True)],
        incompatible_with=draw(
            st.lists(st.sampled_from(IDS), max_size=1).map(lambda ids: [x for x in ids if x != plugin_id])
        ),
    )


@st.composite
def sites(draw: st.DrawFn) -> list[PlannedPlugin]:
    chosen = draw(st.lists(st.sampled_from(IDS), unique=True, max_size=len(IDS)))
    return [
        PlannedPlugin(
            key,
            draw(st.one_of(manifests(key), manifests(key), manifests(key), st.none())),
            wanted=draw(st.booleans() | st.just(value=True)),
            blocked=draw(st.sampled_from(["", "", "", "it is suspended"])),
        )
        for key in chosen
    ]


@st.composite
def changes(draw: st.DrawFn, site: list[PlannedPlugin]) -> PlanChange:
    installed = [item.plugin_id for item in site]
    others = [key for key in IDS if key not in installed]
    kinds = [ChangeKind.INSTALL] if others else []
    kinds += [kind for kind in ChangeKind if kind is not ChangeKind.INSTALL] if installed else []
    kind = draw(st.sampled_from(kinds))
    key = draw(st.sampled_from(others if kind is ChangeKind.INSTALL else installed))
    needs = kind in (ChangeKind.INSTALL, ChangeKind.UPDATE)
    return PlanChange(kind, key, draw(manifests(key)) if needs else None)


def done(site: list[PlannedPlugin], change: PlanChange) -> list[PlannedPlugin]:
    """Return the site after an administrator has made the change."""
    now = {item.plugin_id: item for item in site}
    before = now.pop(change.plugin_id, PlannedPlugin(change.plugin_id, None, wanted=True))
    if change.kind is ChangeKind.UNINSTALL:
        return list(now.values())
    after = replace(before, metadata=change.metadata or before.metadata)
    if change.kind is ChangeKind.DEACTIVATE:
        after = replace(after, wanted=False)
    else:
        wanted = before.wanted or change.kind is not ChangeKind.UPDATE
        after = replace(after, wanted=wanted, blocked="" if after.metadata is not None else after.blocked)
    return [*now.values(), after]


@BRISK
@given(sites())
def test_every_wanted_plugin_runs_or_is_held_with_a_reason(site: list[PlannedPlugin]) -> None:
    plan = make_plan(site, CORE)
    wanted = {item.plugin_id for item in site if item.wanted}
    assert set(plan.order) | set(plan.held) == wanted
    assert not set(plan.order) & set(plan.held)
    assert len(plan.order) == len(set(plan.order))
    assert all(reasons and all(item.detail for item in reasons) for reasons in plan.held.values())


@BRISK
@given(sites())
def test_what_runs_fits_together_and_peers_come_first(site: list[PlannedPlugin]) -> None:
    plan = make_plan(site, CORE)
    found = {item.plugin_id: item for item in site}
    started: dict[str, PluginMetadata] = {}
    for key in plan.order:
        manifest = found[key].metadata
        assert manifest is not None
        assert not found[key].blocked
        assert admits(manifest.core_version, CORE)
        assert all(peer in started and admits(versions, started[peer].version) for peer, versions in manifest.peers)
        assert not [other for other in started if other in manifest.incompatible_with]
        assert not [other for other, item in started.items() if key in item.incompatible_with]
        started[key] = manifest


@BRISK
@given(sites())
def test_every_reason_is_true(site: list[PlannedPlugin]) -> None:
    plan = make_plan(site, CORE)
    found = {item.plugin_id: item for item in site}
    for key, reasons in plan.held.items():
        for item in reasons:
            manifest = found[key].metadata
            if item.pointer == "":
                assert found[key].blocked or manifest is None
                continue
            assert manifest is not None
            if item.pointer == "/core_version":
                assert not admits(manifest.core_version, CORE)
            elif item.pointer == "/incompatible_with":
                other = found[item.other].metadata
                assert item.other in plan.order
                assert other is not None
                assert item.other in manifest.incompatible_with or key in other.incompatible_with
            elif item.other == key:
                assert any(key in cycle for cycle in plan.cycles)
            else:
                versions = dict(manifest.peers)[item.other]
                other = found[item.other].metadata if item.other in plan.order else None
                assert other is None or not admits(versions, other.version)


@BRISK
@given(sites(), st.randoms(use_true_random=False))
def test_order_of_what_is_given_plays_no_part(site: list[PlannedPlugin], chance: random.Random) -> None:
    mixed = site.copy()
    chance.shuffle(mixed)
    assert make_plan(mixed, CORE) == make_plan(site, CORE)


@BRISK
@given(sites())
def test_circles_are_circles_of_need(site: list[PlannedPlugin]) -> None:
    plan = make_plan(site, CORE)
    found = {item.plugin_id: item.metadata for item in site}
    for cycle in plan.cycles:
        for here, there in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
            manifest = found[here]
            assert manifest is not None
            assert there in {peer for peer, _ in manifest.peers}
        assert set(cycle) <= set(plan.held)


@BRISK
@given(st.data())
def test_dry_run_of_a_change_says_what_comes_of_it(data: st.DataObject) -> None:
    site = data.draw(sites())
    change = data.draw(changes(site))
    before, dry, after = make_plan(site, CORE), make_plan(site, CORE, change), make_plan(done(site, change), CORE)
    assert (dry.order, dry.held, dry.cycles) == (after.order, after.held, after.cycles)
    stopped = (set(before.order) - set(after.order)) - {change.plugin_id}
    assert stopped <= set(dry.stops), "whoever stops is named"
    refused = bool(dry.stops or change.plugin_id in dry.held)
    assert refused <= bool(dry.refused)
    assert refused or all("which is wanted" in item.detail and item.other in dry.held for item in dry.refused)
    assert change.plugin_id not in dry.stops


def test_reasons_are_readable() -> None:
    plan = make_plan(
        [
            plugin("needs-old", peer_plugins=["base >=1,<2"]),
            plugin("base", version="2.0"),
            plugin("needs-off", peer_plugins=["off"]),
            plugin("off", wanted=False),
            plugin("lonely", peer_plugins=["nobody"]),
            plugin("ill", blocked="it is suspended (too-many-failures)"),
            plugin("needs-ill", peer_plugins=["ill"]),
            plugin("modern", core_version=">=9"),
            plugin("hermit", incompatible_with=["base"]),
            PlannedPlugin("unreadable", None),
        ],
        CORE,
    )
    assert plan.order == ("base",)
    assert {key: details(plan, key) for key in plan.held} == {
        "hermit": ["it can't be active together with base"],
        "ill": ["it is suspended (too-many-failures)"],
        "lonely": ["it needs nobody, which is not installed"],
        "modern": ["it works with GridKit >=9, and this site runs 1.4.0"],
        "needs-ill": ["it needs ill, which can't run now"],
        "needs-off": ["it needs off, which is not active"],
        "needs-old": ["it needs base >=1,<2, and 2.0 is active"],
        "unreadable": ["its manifest can't be read"],
    }
    assert plan.text_of("ill") == "it is suspended (too-many-failures)"
    assert plan.text_of("base") == ""


def test_peers_start_first_and_else_the_id_decides() -> None:
    plan = make_plan([plugin("a", peer_plugins=["z"]), plugin("b"), plugin("z"), plugin("c")], CORE)
    assert plan.order == ("b", "c", "z", "a")


@pytest.mark.parametrize(
    ("needs", "cycles", "told"),
    [
        ({"a": ["b"], "b": ["a"], "c": []}, (("a", "b"),), ["it needs itself: a needs b needs a"]),
        ({"a": ["a"], "b": []}, (("a",),), ["it needs itself: a needs a"]),
        ({"a": ["b"], "b": ["c"], "c": ["d"], "d": ["b"]}, (("b", "c", "d"),), ["it needs b, which can't run now"]),
        ({"a": ["b"], "b": ["a", "c"], "c": ["b"]}, (("a", "b"), ("c", "b")), ["it needs itself: a needs b needs a"]),
    ],
)
def test_circles_are_held_and_told(
    needs: dict[str, list[str]], cycles: tuple[tuple[str, ...], ...], told: list[str]
) -> None:
    plan = make_plan([plugin(key, peer_plugins=peers) for key, peers in needs.items()], CORE)
    assert plan.cycles == cycles
    assert details(plan, "a") == told
    assert set(plan.order) == {key for key, peers in needs.items() if not peers}


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        (PlanChange(ChangeKind.DEACTIVATE, "base"), ["user would have to stop: it needs base, which is not active"]),
        (PlanChange(ChangeKind.UNINSTALL, "base"), ["user would have to stop: it needs base, which is not installed"]),
        (PlanChange(ChangeKind.DEACTIVATE, "user"), []),
        (PlanChange(ChangeKind.ACTIVATE, "rival"), ["it can't be active together with user"]),
        (PlanChange(ChangeKind.ACTIVATE, "ill"), []),
        (PlanChange(ChangeKind.ACTIVATE, "unknown"), ["its manifest can't be read"]),
        (
            PlanChange(ChangeKind.INSTALL, "new", metadata("new", peer_plugins=["off"])),
            ["it needs off, which is not active"],
        ),
        (
            PlanChange(ChangeKind.UPDATE, "base", metadata("base", version="3.0")),
            ["user would have to stop: it needs base >=1,<3, and 3.0 is active"],
        ),
        (PlanChange(ChangeKind.UPDATE, "off", metadata("off", core_version=">=9")), []),
    ],
)
def test_change_that_may_not_be_made_is_refused_with_reasons(change: PlanChange, refused: list[str]) -> None:
    site = [
        plugin("base"),
        plugin("user", peer_plugins=["base >=1,<3"], incompatible_with=["rival"]),
        plugin("rival", wanted=False),
        plugin("off", wanted=False),
        plugin("ill", blocked="it is suspended"),
    ]
    assert [item.detail for item in make_plan(site, CORE, change).refused] == refused


def test_rival_that_is_only_held_for_now_counts_too() -> None:
    site = [plugin("wall", wanted=False), plugin("door", blocked="it is suspended", incompatible_with=["wall"])]
    plan = make_plan(site, CORE, PlanChange(ChangeKind.ACTIVATE, "wall"))
    assert [item.detail for item in plan.refused] == ["it can't be active together with door, which is wanted"]
    assert plan.order == ("wall",)


def test_change_that_brings_a_rival_back_names_who_would_stop() -> None:
    site = [
        plugin("key", wanted=False),
        plugin("door", peer_plugins=["key"]),
        plugin("wall", incompatible_with=["door"]),
    ]
    plan = make_plan(site, CORE, PlanChange(ChangeKind.ACTIVATE, "key"))
    assert make_plan(site, CORE).order == ("wall",)
    assert (plan.order, list(plan.stops)) == (("key", "door"), ["wall"])
    assert [item.detail for item in plan.refused] == ["wall would have to stop: it can't be active together with door"]
