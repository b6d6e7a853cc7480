"""The figures of the site in the text format of Prometheus; the library writes and escapes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from gridkit_django.audit.health import TrailHealth
from gridkit_django.exports import ExportFigures
from gridkit_django.models import DeliveryState, EffectiveState, HealthStatus
from gridkit_django.plugins import PluginFigures, SiteFigures
from gridkit_django.plugins.histogram import BOUNDS, Histogram
from gridkit_django.plugins.outbox_list import STATES, ChannelInfo
from gridkit_django.plugins.site_figures import CallTotals

try:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
        InfoMetricFamily,
        Metric,
        StateSetMetricFamily,
    )
    from prometheus_client.exposition import choose_encoder
except ImportError:  # the extra "metrics" is not installed
    HAS_PROMETHEUS = False
else:
    HAS_PROMETHEUS = True

_BY = ["plugin"]
_FIRST_EDGE, _STEP = 16, 8
EDGES: Final = tuple(range(_FIRST_EDGE, 136, _STEP))
"""Which bounds of the runtime's histogram are shown: from 1 µs to 18 minutes, each four times the one before."""


def exposition(
    figures: SiteFigures,
    exports: ExportFigures,
    trails: Sequence[TrailHealth],
    channels: Sequence[ChannelInfo],
    accept: str,
) -> tuple[bytes, str]:
    """Return the figures as text, and its media type.

    Args:
        figures: the site.
        exports: its exports.
        trails: the audit trail of each database.
        channels: the channels of the outbox.
        accept: the request's ``Accept``, by which the client chooses OpenMetrics or the older text format.
    """
    encoder, media_type = choose_encoder(accept)
    return encoder(_registry(_Collector(figures, exports, trails, channels))), media_type


def _registry(collector: _Collector) -> Any:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return registry


class _Collector:
    """What the library asks for the metrics."""

    def __init__(
        self,
        figures: SiteFigures,
        exports: ExportFigures,
        trails: Sequence[TrailHealth],
        channels: Sequence[ChannelInfo],
    ) -> None:
        self._figures = figures
        self._exports = exports
        self._trails = trails
        self._channels = channels

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, those of the site first."""
        yield from _of_site(self._figures)
        yield from _of_exports(self._exports)
        yield from _of_trails(self._trails)
        yield from _of_outbox(self._channels)
        plugins = self._figures.plugins
        yield from _states(plugins)
        yield from _counters(plugins)
        yield _durations(plugins)
        yield from _gauges(plugins)


def _of_site(figures: SiteFigures) -> Iterator[Metric]:
    yield _gauge("gridkit_generation", "Generation of the plugins in the database.", [((), figures.generation)])
    kinds = [((kind,), count) for kind, count in sorted(figures.processes.items())]
    yield _gauge("gridkit_processes", "Living processes that run plugins.", kinds, ["kind"])
    text = "Living processes that follow an older generation."
    yield _gauge("gridkit_processes_behind", text, [((), figures.behind)])
    text = "Living processes that run no plugins on purpose."
    yield _gauge("gridkit_processes_safe_mode", text, [((), figures.safe_mode)])


def _of_exports(exports: ExportFigures) -> Iterator[Metric]:
    states = [((state,), float(getattr(exports, state))) for state in ("queued", "running", "lost")]
    yield _gauge("gridkit_exports", "Exports that wait, run, or lost their worker.", states, ["state"])
    text = "How long the oldest queued export has waited."
    yield _gauge("gridkit_exports_waited_seconds", text, [((), exports.waited_seconds)])
    text = "Bytes of all export files and segments."
    yield _gauge("gridkit_exports_stored_bytes", text, [((), exports.stored_bytes)])


def _of_trails(trails: Sequence[TrailHealth]) -> Iterator[Metric]:
    by = ["database"]

    def each(name: str, text: str, read: Callable[[TrailHealth], float]) -> Metric:
        return _gauge(f"gridkit_audit_{name}", text, [((trail.alias,), read(trail)) for trail in trails], by)

    yield each("unsealed_records", "Audit records without a seal, counted up to 10,000.", lambda t: t.unsealed)
    text = "How long the oldest audit record without a seal has waited."
    yield each("unsealed_seconds", text, lambda trail: trail.oldest_age.total_seconds())
    yield each("sealed_records", "Audit records that were ever sealed.", lambda trail: trail.sealed)
    yield each("gaps", "Audit records that tell of changes without a record.", lambda trail: trail.gaps)
    text = "What is to be seen to with the partitions of the audit records."
    yield each("partition_faults", text, lambda trail: len(trail.partition_faults))
    ended = [trail for trail in trails if trail.verified is not None]
    times = [((trail.alias,), _moment_of(trail)) for trail in ended]
    yield _gauge("gridkit_audit_verified_timestamp_seconds", "When the trail was verified last.", times, by)
    faults = [((trail.alias,), trail.verified.fault_count) for trail in ended if trail.verified]
    yield _gauge("gridkit_audit_verification_faults", "What the last verification found.", faults, by)
    lacks = [((trail.alias, item.name), item.records) for trail in trails for item in trail.backlogs]
    text = "Sealed audit records that a destination has not got."
    yield _gauge("gridkit_audit_backlog_records", text, lacks, [*by, "destination"])
    yield _delivery(trails)


def _moment_of(trail: TrailHealth) -> float:
    ended = trail.verified.finished_at if trail.verified else None
    return ended.timestamp() if ended else 0.0


def _delivery(trails: Sequence[TrailHealth]) -> Metric:
    text = "State of each destination of the audit trail."
    family = StateSetMetricFamily("gridkit_audit_destination", text, labels=["database", "destination"])
    for trail in trails:
        for item in trail.backlogs:
            family.add_metric([trail.alias, item.name], {state.value: state == item.state for state in DeliveryState})
    return family


def _of_outbox(channels: Sequence[ChannelInfo]) -> Iterator[Metric]:
    by = ["plugin", "channel"]
    names = [(info.row.plugin.plugin_id, info.row.name) for info in channels]

    def each(name: str, text: str, read: Callable[[ChannelInfo], float]) -> Metric:
        values = zip(names, map(read, channels), strict=True)
        return _gauge(f"gridkit_outbox_{name}", text, values, by)

    yield each("waiting_messages", "Messages that wait in a channel.", lambda info: info.backlog.messages)
    yield each("waiting_bytes", "Bytes of the messages that wait in a channel.", lambda info: info.backlog.bytes)
    text = "How long the oldest message of a channel has waited."
    yield each("waiting_seconds", text, lambda info: info.backlog.age.total_seconds())
    yield each("dead_letters", "Dead letters that nobody has dealt with.", lambda info: info.backlog.dead)
    state = StateSetMetricFamily("gridkit_outbox_channel", "State of each channel of the outbox.", labels=by)
    for own, info in zip(names, channels, strict=True):
        state.add_metric(list(own), {name: name == info.state for name in STATES})
    yield state
    for name, text in _ENDS.items():
        counter = CounterMetricFamily(f"gridkit_outbox_{name}", text, labels=by)
        for own, info in zip(names, channels, strict=True):
            counter.add_metric(list(own), getattr(info.row, name))
        yield counter


_ENDS: Final = {
    "delivered": "Messages that were delivered.",
    "again": "Tries of single messages that were handed back.",
    "dead": "Messages that became dead letters.",
    "expired": "Messages that waited too long.",
    "dropped": "Messages that found their channel full.",
}


def _states(plugins: Iterable[PluginFigures]) -> Iterator[Metric]:
    info = InfoMetricFamily("gridkit_plugin", "Version of each installed plugin.", labels=_BY)
    state = StateSetMetricFamily("gridkit_plugin_state", "State of each plugin, as last seen.", labels=_BY)
    health = StateSetMetricFamily("gridkit_plugin_health", "Newest health verdict of each plugin.", labels=_BY)
    for plugin in plugins:
        info.add_metric([plugin.plugin_id], {"version": plugin.version})
        known = [item.value for item in EffectiveState if item is not EffectiveState.DISCOVERED]
        state.add_metric([plugin.plugin_id], {name: name == plugin.state for name in known})
        if plugin.health:
            health.add_metric([plugin.plugin_id], {item.value: item.value == plugin.health for item in HealthStatus})
    yield from (info, state, health)


def _counters(plugins: Iterable[PluginFigures]) -> Iterator[Metric]:
    since = "since midnight UTC"
    wanted: tuple[tuple[str, str, Callable[[CallTotals], float]], ...] = (
        ("calls", f"Calls of handlers, methods and jobs {since}.", lambda totals: totals.calls),
        ("errors", f"Calls that raised {since}.", lambda totals: totals.errors),
        ("slow", f"Calls over their budget {since}.", lambda totals: totals.slow),
        ("skipped", f"Calls that were left out because the handler was too slow {since}.", lambda t: t.skipped),
        ("cpu_seconds", f"Processor time of all calls {since}.", lambda totals: totals.cpu_seconds),
    )
    for name, text, read in wanted:
        counter = CounterMetricFamily(f"gridkit_plugin_{name}", text, labels=_BY)
        for plugin in plugins:
            counter.add_metric([plugin.plugin_id], read(plugin.totals))
        yield counter


def _durations(plugins: Iterable[PluginFigures]) -> Metric:
    text = "Wall time of calls since midnight UTC."
    family = HistogramMetricFamily("gridkit_plugin_call_duration_seconds", text, labels=_BY)
    for plugin in plugins:
        buckets = _buckets(plugin.totals.durations)
        family.add_metric([plugin.plugin_id], buckets=buckets, sum_value=plugin.totals.wall_seconds)
    return family


def _buckets(durations: Histogram) -> list[tuple[str, float]]:
    """Return how many calls took up to each edge, in seconds, as Prometheus adds them up."""
    counts = {int(bucket): count for bucket, count in durations.as_dict().items()}
    below = [sum(count for bucket, count in counts.items() if bucket <= edge) for edge in EDGES]
    return [
        *((f"{BOUNDS[edge] / 1e9:.6g}", count) for edge, count in zip(EDGES, below, strict=True)),
        ("+Inf", len(durations)),
    ]


def _gauges(plugins: Iterable[PluginFigures]) -> Iterator[Metric]:
    rows = list(plugins)
    heaps = [((row.plugin_id,), row.heap_bytes) for row in rows if row.heap_bytes is not None]
    yield _gauge("gridkit_plugin_wanted", "Whether the plugin is wanted active.", _each(rows, "wanted"), _BY)
    text = "Living processes that run the plugin as it is wanted now."
    yield _gauge("gridkit_plugin_processes", text, _each(rows, "processes"), _BY)
    yield _gauge("gridkit_plugin_heap_bytes", "Largest Python heap of the plugin in a process.", heaps, _BY)
    yield _gauge("gridkit_plugin_storage_bytes", "Size of the plugin's storage.", _each(rows, "storage_bytes"), _BY)
    yield _gauge("gridkit_plugin_revision", "Revision of the plugin that is wanted.", _each(rows, "revision"), _BY)
    jobs = [((row.plugin_id, state), row.jobs.get(state, 0)) for row in rows for state in ("queued", "running")]
    yield _gauge("gridkit_plugin_job_runs", "Runs of the plugin's jobs that are not over.", jobs, ["plugin", "state"])


def _each(plugins: Iterable[PluginFigures], name: str) -> list[tuple[tuple[str, ...], float]]:
    return [((plugin.plugin_id,), float(getattr(plugin, name))) for plugin in plugins]


def _gauge(name: str, text: str, values: Iterable[tuple[tuple[str, ...], float]], labels: Iterable[str] = ()) -> Metric:
    family = GaugeMetricFamily(name, text, labels=list(labels))
    for own, value in values:
        family.add_metric(list(own), value)
    return family
