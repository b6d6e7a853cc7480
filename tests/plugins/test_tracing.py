"""Spans of OpenTelemetry for calls into plugins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import override_settings
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from gridkit_django.events import event_bus, make_event
from gridkit_django.plugins import PluginManager, tracing
from gridkit_django.plugins.tracing import TracingObserver, wanted_tracing
from tests.plugins.samples import Failing, Listener

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def provider() -> Iterator[TracerProvider]:
    made = TracerProvider()
    yield made
    made.shutdown()


@pytest.fixture
def spans(manager: PluginManager, provider: TracerProvider) -> Iterator[InMemorySpanExporter]:
    """The spans that were made, with an observer at work."""
    memory = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    before = manager.runtime.observers
    manager.observe(TracingObserver(provider))
    yield memory
    manager.runtime.observers = before


def of_plugins(memory: InMemorySpanExporter) -> list[ReadableSpan]:
    return [span for span in memory.get_finished_spans() if span.name.startswith("plugin ")]


def emit() -> None:
    event_bus().emit(make_event("row:update", {"secret": "hush"}, grid="plugin-orders"))


def test_every_call_into_a_plugin_is_a_span_below_the_callers(
    manager: PluginManager, spans: InMemorySpanExporter, provider: TracerProvider
) -> None:
    manager.install_plugin(Listener)
    with provider.get_tracer("tests").start_as_current_span("request") as parent:
        emit()

    found = of_plugins(spans)
    assert len(found) == 3
    for span in found:
        attributes = dict(span.attributes or {})
        assert attributes["gridkit.plugin.id"] == "listener"
        assert span.parent is not None
        assert span.parent.span_id == parent.get_span_context().span_id
        assert span.end_time is not None
        assert span.start_time is not None
        assert span.end_time >= span.start_time
        assert "hush" not in span.to_json()
    assert any("Listener.veto" in str(dict(span.attributes or {})["gridkit.call"]) for span in found)


def test_call_that_raises_is_a_span_with_the_class_of_the_error_and_without_its_text(
    manager: PluginManager, spans: InMemorySpanExporter
) -> None:
    manager.install_plugin(Failing)

    emit()

    failed = of_plugins(spans)
    assert {span.status.status_code for span in failed} == {StatusCode.ERROR}
    assert {dict(span.attributes or {})["error.type"] for span in failed} == {"ZeroDivisionError"}
    assert all("division by tests" not in span.to_json() for span in failed)


def test_plugin_that_is_at_work_already_is_observed_too(manager: PluginManager, provider: TracerProvider) -> None:
    memory = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    manager.install_plugin(Listener)
    before = manager.runtime.observers
    manager.observe(TracingObserver(provider))
    try:
        emit()
    finally:
        manager.runtime.observers = before

    assert len(of_plugins(memory)) == 3


def test_observer_is_made_only_where_the_settings_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wanted_tracing() == ()
    with override_settings(GRIDKIT={"OPENTELEMETRY": True}):
        assert [type(item) for item in wanted_tracing()] == [TracingObserver]
        monkeypatch.setattr(tracing, "HAS_OPENTELEMETRY", False)
        assert wanted_tracing() == ()
    with override_settings(GRIDKIT={"OPENTELEMETRY": "yes"}):
        assert wanted_tracing() == ()
