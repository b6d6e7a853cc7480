"""The heap of plugins: what loading took, and what can be reached now."""

from __future__ import annotations

import logging
import threading
import time
import tracemalloc
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from gridkit_django.models import PluginSource
from gridkit_django.plugins import Plugin, PluginManager
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.memory import HeapBook, tracing, walk
from tests.plugins.samples import metadata, write_plugin

pytestmark = pytest.mark.django_db(transaction=True)

MB = 1_000_000

HOARDER = """
from functools import lru_cache
from gridkit_django.plugins import Plugin
from . import words

CACHE = {}

@lru_cache
def remembered(number):
    return bytes(number)

class Holder:
    def __init__(self, size):
        self.held = bytes(size)

class Sample(Plugin):
    def initialize(self, context):
        self.mine = Holder(1_000_000)
"""


class Keeper(Plugin):
    """Given in code: the module belongs to the site."""

    metadata = metadata("keeper")


@pytest.fixture
def sample(manager: PluginManager, root: Path) -> LivePlugin:
    write_plugin(root, code=HOARDER)
    manager.install_plugin("sample")
    return manager.runtime.live["sample"]


@pytest.fixture
def keeper(manager: PluginManager) -> Iterator[LivePlugin]:
    manager.install_plugin(Keeper)
    yield manager.runtime.live["keeper"]
    manager.runtime.catalog.remove_object("keeper")


def grown(live: LivePlugin, act: Any) -> int:
    before = walk(live).size
    act()
    return walk(live).size - before


def test_objects_of_the_plugin_its_modules_and_its_caches_are_counted(sample: LivePlugin) -> None:
    plugin: Any = sample.plugin
    module = plugin.initialize.__func__.__globals__
    assert MB < walk(sample).size < MB + 100_000
    assert MB <= grown(sample, lambda: module["CACHE"].update(a=bytes(MB))) < MB + 5000
    assert MB <= grown(sample, lambda: module["remembered"](MB)) < MB + 5000
    assert MB <= grown(sample, lambda: setattr(type(plugin), "shared", bytes(MB))) < MB + 5000
    assert MB <= grown(sample, lambda: setattr(module["words"], "more", [bytes(MB)])) < MB + 5000


def test_what_belongs_to_others_is_not_entered(sample: LivePlugin) -> None:
    def hold() -> None:
        plugin: Any = sample.plugin
        plugin.others = [
            logging.getLogger("gridkit_django"),
            threading.current_thread(),
            threading.enumerate,
            sample,
            Path,
            cached,
            time,
            walk,
        ]

    @lru_cache
    def cached() -> bytes:
        return bytes(MB)

    cached()
    assert grown(sample, hold) < 1000


def test_plugin_given_in_code_is_not_charged_for_its_site(keeper: LivePlugin) -> None:
    assert keeper.spec.source is PluginSource.OBJECT
    assert walk(keeper).size < MB / 2
    assert MB <= grown(keeper, lambda: setattr(keeper.plugin, "held", bytes(MB))) < MB + 5000


def test_object_that_can_not_tell_its_size_counts_nothing(keeper: LivePlugin) -> None:
    class Odd:
        def __sizeof__(self) -> int:
            raise RuntimeError("no")

    assert grown(keeper, lambda: setattr(keeper.plugin, "odd", Odd())) < 10_000


def test_walk_ends_at_its_limit_and_says_so(sample: LivePlugin) -> None:
    whole = walk(sample)
    assert whole.complete
    assert walk(sample, most=whole.objects) == whole
    part = walk(sample, most=whole.objects - 1)
    assert (part.objects, part.complete) == (whole.objects - 1, False)
    assert part.size < whole.size


def test_figure_is_used_again_while_it_is_new_for_what_it_cost(sample: LivePlugin) -> None:
    heaps = HeapBook()
    assert heaps.last(sample) is None
    first = heaps.measure(sample)
    sample.plugin.more = bytes(MB)  # type: ignore[attr-defined]
    assert heaps.measure(sample) is heaps.last(sample) is first
    heaps._figures[sample] = (first, time.monotonic() - 1)
    assert heaps.measure(sample).size > first.size + MB - 1000


def test_figure_of_an_earlier_object_is_not_used(manager: PluginManager, sample: LivePlugin) -> None:
    heaps = manager.runtime.heaps
    figure = heaps.measure(sample)
    manager.configure_plugin("sample", {})
    new = manager.runtime.live["sample"]
    assert new is not sample
    assert heaps.last(new) is None
    assert heaps.measure(new) is not figure


def test_tracing_counts_what_is_kept_and_ends(sample: LivePlugin) -> None:
    with tracing() as kept:
        held = bytes(MB)
        del held
        held = bytes(2 * MB)
    assert 2 * MB <= kept() < 2 * MB + 10_000
    assert len(held) == 2 * MB
    assert not tracemalloc.is_tracing()


def test_tracer_of_somebody_else_goes_on() -> None:
    tracemalloc.start()
    try:
        with tracing() as kept:
            held = bytes(MB)
        assert kept() >= len(held)
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


def test_content_is_traced_when_it_is_loaded_first_and_never_in_a_reload() -> None:
    heaps, traced = HeapBook(), []
    for digest, reload in (("a", False), ("a", False), ("b", True), ("b", False)):
        with heaps.loading(digest, reload=reload):
            traced.append(tracemalloc.is_tracing())
    assert traced == [True, False, False, True]
    assert (heaps.load_size("a") is None, heaps.load_size("c")) == (False, None)


def test_content_that_failed_to_load_is_not_known() -> None:
    heaps = HeapBook()
    with pytest.raises(ZeroDivisionError), heaps.loading("a", reload=False):
        _ = 1 / 0
    assert heaps.load_size("a") is None
