"""The ``GRIDKIT`` settings dict, typed, with defaults, re-read when a test overrides it.

Read a setting as ``settings().PAGE_SIZE_MAX``. An unknown key is refused (``gridkit.E001``), never ignored.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Annotated, Any, Literal, Required, TypeAlias, get_type_hints

from django.conf import settings as django_settings
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict, is_typeddict

from gridkit_django.exceptions import SettingsError

Whole: TypeAlias = Annotated[int, Field(ge=0)]
"""A number from 0 up; 0 allows nothing."""

Positive: TypeAlias = Annotated[int, Field(ge=1)]
"""A number from 1 up."""


def _network(text: str) -> str:
    """Return the text of an address or network.

    Raises:
        ValueError: when it is none.
    """
    ipaddress.ip_network(text, strict=False)
    return text


Network: TypeAlias = Annotated[str, AfterValidator(_network)]
"""An IP address, or a network such as ``10.0.0.0/8``."""


class MarketOptions(TypedDict, total=False):
    """The keys of ``GRIDKIT["MARKET"]``; those that are left out have the values of ``MarketSettings``."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]

    serve: bool
    name: str
    storage: str
    checks: Sequence[str]
    banned_names: Sequence[str]
    new_names_per_day: Whole
    review_all: bool
    package_bytes_max: Positive


@dataclass(frozen=True, slots=True)
class MarketSettings:
    """What ``GRIDKIT["MARKET"]`` says, with what it leaves out.

    Attributes:
        serve: whether this site serves a marketplace; if not, its addresses answer 404.
        name: what clients call it, for people.
        storage: alias in Django's ``STORAGES`` where packages and pictures go.
        checks: dotted paths of further checks of a release, see ``marketplace.shelf.checks``.
        banned_names: names that nobody may take, beside those that are never given.
        new_names_per_day: new plugins of one publisher a day, at most.
        review_all: whether a person must look at each release.
        package_bytes_max: bytes of an uploaded package at most.
    """

    serve: bool = False
    name: str = "GridKit marketplace"
    storage: str = "default"
    checks: Sequence[str] = ()
    banned_names: Sequence[str] = ()
    new_names_per_day: int = 5
    review_all: bool = False
    package_bytes_max: int = 20_000_000


class MarketplaceOptions(TypedDict, total=False):
    """One entry of ``GRIDKIT["MARKETPLACES"]``: where plugins come from, and how to get there."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]

    url: Required[str]
    prefixes: Sequence[str]
    token: str
    ca_file: str
    proxy: str
    timeout: Annotated[float, Field(gt=0)]
    root: str
    bundle: str
    plain_http: bool


@dataclass(frozen=True, slots=True)
class GridKitSettings:
    """Every key of the ``GRIDKIT`` dict, with its type, default and meaning.

    Attributes:
        PAGE_SIZE: rows in a window when the client names no size.
        PAGE_SIZE_MAX: rows in a window at most; more is a ``query-limit-exceeded``.
        FILTER_DEPTH_MAX: levels of a filter tree at most.
        FILTER_NODES_MAX: nodes of a filter tree at most.
        FILTER_LIST_MAX: values of an ``in`` list at most.
        FILTER_VALUES_MAX: values of all conditions of a filter together, at most.
        GROUPS_MAX: levels of groups at most.
        PIVOT_COLUMNS_MAX: columns that a pivot may make at most.
        SORT_TERMS_MAX: sort terms at most.
        SEARCH_LENGTH_MAX: characters of a search text at most.
        SEARCH_BACKEND: dotted path of the class that finds the words of a search, where a grid names none.
        BATCH_MAX: changes in one batch at most.
        BULK_ROWS_INLINE: rows that a bulk change carries out while the client waits; more go to a worker.
        BULK_ROWS_MAX: rows of a bulk change at most.
        BULK_JOBS_PER_USER: bulk changes of one user that wait for a worker or run, at most.
        UNDO_MINUTES: how long an edit can be undone; 0 for never.
        UNDO_ROWS_MAX: rows of one change at most, for it to be undone.
        IDEMPOTENCY_HOURS: how long the answer to an Idempotency-Key is given again.
        EVENTS_MAX: events in one report of a browser at most.
        VIEWS_PER_USER: saved views of one person at most.
        STATE_BYTES_MAX: bytes of the state of a grid at most.
        COUNT_MS_MAX: milliseconds that the database may spend on one count (PostgreSQL); longer counts are
            ``unknown``. 0 for no limit.
        QUERY_MS_MAX: milliseconds that the database may spend on one window, facet or group (PostgreSQL). 0 for no
            limit.
        COUNT_CAP: where a ``capped`` count stops counting.
        OFFSET_MAX: the farthest row that an offset window may start at.
        BODY_BYTES_MAX: bytes of a request body at most.
        REMEMBER_DEVICES: let the element keep a random id of the session and of the browser in its storage, so
            that events can tell them apart. Off, an id lasts as long as the page. Ask people first where the law
            demands it; a browser that sends ``DNT`` or ``Sec-GPC`` gets no id either way.
        EVENT_MIDDLEWARE: dotted paths of event middleware, outermost first.
        PLUGIN_ROOT: folder of single-site plugins (one folder each), or None.
        PLUGIN_PINS: plugin id to configuration values that the administrator may see but not change.
        PLUGIN_FUNCTIONS: dotted paths of functions of the site that configurations of plugins may name, to be called.
        PLUGINS_SAFE_MODE: activate no plugin in this process; writes nothing.
        PLUGINS_FEATURED: ids of the plugins that this site puts first.
        PACKAGE_BYTES_MAX: bytes of a plugin's files that are kept in the database for other hosts and for rolling back,
            zipped.
        PACKAGE_STORAGE: alias in Django's ``STORAGES`` where the files of larger plugins are kept, or None to keep them
            not at all. Every host must reach it.
        MARKETPLACES: the marketplaces that this site installs from (see "Install from a marketplace"): a name of your
            own to ``url``, ``prefixes`` of plugin ids (the longest that fits decides; none: all ids), ``token``,
            ``ca_file``, ``proxy``, ``timeout`` in seconds, ``root``, the path of the root file that trust begins
            with, and ``bundle``, the path of a bundle that takes the place of the network.
        MARKETPLACE_OFFLINE: ask no marketplace for anything.
        MARKETPLACE_TRUSTED: publishers (``@acme``) and ids of author keys whose plugins may be installed.
        MARKETPLACE_ALLOW_UNTRUSTED: install plugins of every publisher, also from a marketplace without ``root``. They
            run inside the site's processes, so they can do whatever the site can.
        MARKETPLACE_REVIEWED_ONLY: install only releases that a person at the marketplace has looked at.
        MARKETPLACE_MIN_AGE_HOURS: hours that a release must have been public before it is installed.
        MARKETPLACE_FIXES_AT_ONCE: do not wait for that where a signed advisory tells of the version in use, and not of
            the newer one.
        PACKAGE_PLATFORM_TAGS: platform tags of wheels (``manylinux_2_28_x86_64``) whose compiled libraries this site
            runs and, where it serves a marketplace, lists. Only pure Python when it is empty.
        KNOWN_GOOD_MINUTES: minutes for which a plugin must have been healthy and unchanged, so that its version,
            configuration and permissions are noted as the last known good; 0 for never.
        AUTO_UPDATE: which newer releases of plugins of marketplaces come by themselves, where a plugin says nothing
            else: ``off``, ``patches``, ``minor`` or ``all``. Never one that asks for more permissions.
        HOSTS_READY_SECONDS: seconds that an installation or update from a marketplace waits until every other host has
            the files; 0 for not at all. Take more than four times ``HEARTBEAT_SECONDS``: then a host that has just gone
            counts no more.
        CANARY_SECONDS: seconds for which one process serves with a new version of a plugin of a marketplace before the
            others come after it; 0 for no such trial, unless an update is asked for with one. Take several times
            ``HEARTBEAT_SECONDS``.
        CANARY_CALLS_MIN: how many calls there must have been before versions are compared.
        STATE_DIR: folder where the processes of a host note what they start, or None for one in the system's own
            folder of temporary files. Let it outlive a container.
        ENCRYPTION_KEYS: long random texts from which the keys for stored secrets are made; the first encrypts, all
            decrypt. ``SECRET_KEY`` and ``SECRET_KEY_FALLBACKS`` come after them, so without any they do the work.
        AUDIT_MAC_KEYS: long random texts from which the keys for the MACs of audit records are made; the first makes
            them, all check them. ``ENCRYPTION_KEYS``, ``SECRET_KEY`` and ``SECRET_KEY_FALLBACKS`` come after them.
        AUDIT_MASTER_KEYS: long random texts from which the keys are made that wrap the keys of subjects; the first
            wraps, all unwrap. ``ENCRYPTION_KEYS`` and ``SECRET_KEY`` come after them.
        AUDIT_KEY_PROVIDER: dotted path of the class that wraps the keys of subjects, for a key management service.
        AUDIT_RETENTION: how long audit records are kept: ``row.*``, ``audit.read``, ``*`` or ``shop.Order row.*`` to a
            term such as ``90d`` or ``7y``. Records of no rule are kept for ever.
        AUDIT_ARCHIVE_STORAGE: alias in Django's ``STORAGES`` where records are archived before they are removed, or
            None to remove them without.
        AUDIT_PARTITION_RECORDS: ids that a partition of the audit records is for (PostgreSQL, once the table is
            partitioned); None for about as many as a month takes.
        AUDIT_PARTITION_DAYS: how many days records whose time is over may wait for the rest of their partition, so that
            it goes whole; 0 for not at all.
        AUDIT_BATCH_RECORDS: audit records that are sent to a destination at once, at most.
        AUDIT_ALLOW_CLEAR: let audit records leave over connections that are not encrypted.
        AUDIT_ALLOW_PRIVATE: let audit records go to addresses of private networks and of this machine.
        AUDIT_LOCAL_DESTINATIONS: files and functions of this machine to which administrators and configurations of
            plugins may send audit records: folders such as ``file:///var/log/audit/`` and dotted paths of functions.
            Code of the site may name any.
        AUDIT_SIGNING_KEY: where the private key is that signs seals of the audit trail: the path of a file, or
            ``env:NAME`` for an environment variable. Without one, seals are signed with HMAC and the site's secrets.
        AUDIT_PUBLIC_KEYS: public keys that are believed when the trail is verified, beside those of the signing key's
            file, as ``manage.py gridkit_audit_keygen`` prints them.
        AUDIT_SEAL_RECORDS: records in one seal at most.
        AUDIT_UNSEALED_SECONDS: age at which a record without a seal counts as a fault.
        AUDIT_CHECKPOINT_SEALS: seals after which a checkpoint leaves the machine.
        AUDIT_CHECKPOINT_MINUTES: minutes after which a checkpoint of a new seal leaves the machine.
        AUDIT_CHECKPOINT_HOOK: dotted path of a callable that is given each checkpoint, as ``hook(alias, note)``, for
            example to keep it where this site can't write again; or None.
        NOTIFY_EMAILS: who is told by mail when a plugin asks for a permission, waits for consent or is switched off.
        HINT_URL: ``redis://…`` where processes tell each other of changes at once, or None.
        POLL_SECONDS: how often an idle process looks for changes.
        HANDLER_BUDGET_MS: wall time in milliseconds that one handler call may take before it counts as slow.
        HANDLER_FAILURES_MAX: failures in a row after which a plugin is suspended.
        BREAKER_SLOW_CALLS: slow calls in a row after which a handler is left out for a while; 0 for never.
        BREAKER_SECONDS: for how long the first time; each time after that twice as long, up to an hour.
        MESSAGE_BYTES_MAX: bytes of one message between plugins, of the payload of an event, or of the arguments of a
            job, at most.
        VALUE_BYTES_MAX: bytes of one stored value, one answer of a method or one result of a job at most.
        STORAGE_MIGRATION_MB_MAX: megabytes of JSON up to which a plugin's storage is migrated when an update raises its
            ``storage_version``; a plugin that stores more is not updated.
        JOB_SECONDS_MAX: seconds that one run of a plugin's job may take.
        HEALTH_HISTORY_DAYS: days for which health checks are kept; thinned to one an hour after the first day.
        USAGE_HISTORY_DAYS: days for which usage is kept; joined to one row a day after two days.
        METRICS_TOKEN: bearer token for the Prometheus endpoint, or None for users with the right to see plugins only.
        OPENTELEMETRY: make a span for each call into a plugin.
        HOT_RELOAD: watch the files of plugins from PLUGIN_ROOT; None means the value of ``DEBUG``.
        HEARTBEAT_SECONDS: how often a process renews its row in the table of processes.
        AUDIT_TRUSTED_PROXIES: addresses or networks of your own proxies, such as ``10.0.0.0/8``; only what they say in
            ``X-Forwarded-For`` is believed.
        AUDIT_IMPERSONATOR: dotted path of a function that takes a request and returns the user who acts in the name of
            ``request.user``, or None. Without one, the sessions of django-hijack and django-loginas are understood.
        AUDIT_READS: record who reads the audit trail, one record for each page.
        AUDIT_ACCESS: record logins, logouts and failed logins, and changes of users and groups: names, passwords (not
            what they are), flags, permissions, memberships.
        EXPORT_STORAGE: alias in Django's ``STORAGES`` where export files go.
        EXPORT_EXPIRY_HOURS: hours after which an export file is deleted.
        EXPORT_ROWS_MAX: rows of one export at most.
        EXPORT_JOBS_PER_USER: queued and running exports of one user at most.
        EXPORT_DIRECT_ROWS_MAX: rows of an export that is answered at once where a caller asks for the file; 0 for none.
        EXPORT_LINK_SECONDS: how long a signed link to an export file holds; 0 for no such links.
        EXPORT_RUNNING_PER_USER: exports of one user that run at once, at most; the others wait.
        EXPORT_RUNNING_MAX: exports that run at once, at most; the others wait.
        EXPORT_SECONDS_MAX: seconds that one run of an export may take.
        EXPORT_ATTEMPTS_MAX: runs of one export at most, when workers die over it or the storage fails again and again.
        EXPORT_BYTES_MAX: bytes of one export file at most.
        EXPORT_BYTES_PER_USER: bytes of one user's export files that are stored, at most.
        EXPORT_WEBHOOK_URL: an ``https://`` address that is told of each export that has ended; empty for none.
        EXPORT_WEBHOOK_SECRET: signs what is sent there (``GridKit-Signature``); empty for no signature.
        OUTBOX_DELAY_MS: milliseconds in which a process wakes no second worker for a channel of the outbox.
        OUTBOX_BYTES_MAX: bytes of messages that may wait in one channel of the outbox, at most.
        OUTBOX_CONNECT_SECONDS: for how long a server is waited for that messages are sent to.
        OUTBOX_READ_SECONDS: how long each piece of its answer may take; the whole of it takes twice as long at most.
        OUTBOX_ALLOW_CLEAR: let messages leave over connections that are not encrypted.
        OUTBOX_ALLOW_PRIVATE: let messages go to addresses of private networks and of this machine.
        PUBLIC_URL: how people reach this site, as in ``https://grids.example.org``, for links in mails and webhooks.
        MARKET: the marketplace that this site serves to others (see "Run a marketplace"): ``serve``, ``name``,
            ``storage``, ``checks``, ``banned_names``, ``new_names_per_day``, ``review_all``, ``package_bytes_max``.
        AUDIT_MODELS: models that the audit trail follows without a grid: ``app_label.Model`` to options such as
            ``fields``, ``exclude``, ``mask``, ``reason_required`` and ``fail_open``.
        MARKET_TRUST_STORE: where the signed metadata of this site's own marketplace is kept: the path of a folder, or
            ``storage:NAME`` for an alias in Django's ``STORAGES``; None when this site serves no marketplace.
        MARKET_TRUST_KEY: where the private key is that signs what is published there: the path of a file, or
            ``env:NAME`` for an environment variable. Only the worker that publishes needs it.
        AUDIT_DATABASE_ROLES: logins of the database that are believed when they say who acts (strict mode); empty for
            all. Whoever else writes is recorded under its own login.
        THROTTLE_RATES: DRF throttle rates by scope (``rows``, ``edits``, ``exports``, ``views``, ``states``,
            ``events``, ``marketplace``), None for no limit.
    """

    PAGE_SIZE: Positive = 100
    PAGE_SIZE_MAX: Positive = 500
    FILTER_DEPTH_MAX: Positive = 8
    FILTER_NODES_MAX: Positive = 100
    FILTER_LIST_MAX: Whole = 1000
    FILTER_VALUES_MAX: Whole = 5000
    GROUPS_MAX: Whole = 5
    PIVOT_COLUMNS_MAX: Whole = 200
    SORT_TERMS_MAX: Whole = 8
    SEARCH_LENGTH_MAX: Whole = 200
    SEARCH_BACKEND: str = "gridkit_django.grids.search_backends.SearchBackend"
    BATCH_MAX: Whole = 500
    BULK_ROWS_INLINE: Whole = 1000
    BULK_ROWS_MAX: Whole = 1_000_000
    BULK_JOBS_PER_USER: Whole = 5
    UNDO_MINUTES: Whole = 60
    UNDO_ROWS_MAX: Whole = 1000
    IDEMPOTENCY_HOURS: Whole = 24
    EVENTS_MAX: Whole = 500
    VIEWS_PER_USER: Whole = 100
    STATE_BYTES_MAX: Whole = 65_536
    COUNT_MS_MAX: Whole = 3000
    QUERY_MS_MAX: Whole = 30_000
    COUNT_CAP: Whole = 10_000
    OFFSET_MAX: Whole = 10_000_000
    BODY_BYTES_MAX: Whole = 1_000_000
    REMEMBER_DEVICES: bool = False
    EVENT_MIDDLEWARE: tuple[str, ...] = ()
    PLUGIN_ROOT: str | None = None
    PLUGIN_PINS: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    PLUGIN_FUNCTIONS: tuple[str, ...] = ()
    PLUGINS_SAFE_MODE: bool = False
    PLUGINS_FEATURED: tuple[str, ...] = ()
    PACKAGE_BYTES_MAX: Whole = 10_000_000
    PACKAGE_STORAGE: str | None = None
    MARKETPLACES: Mapping[str, MarketplaceOptions] = field(default_factory=dict)
    MARKETPLACE_OFFLINE: bool = False
    MARKETPLACE_TRUSTED: tuple[str, ...] = ()
    MARKETPLACE_ALLOW_UNTRUSTED: bool = False
    MARKETPLACE_REVIEWED_ONLY: bool = False
    MARKETPLACE_MIN_AGE_HOURS: Whole = 0
    MARKETPLACE_FIXES_AT_ONCE: bool = False
    PACKAGE_PLATFORM_TAGS: tuple[str, ...] = ()
    KNOWN_GOOD_MINUTES: Whole = 60
    AUTO_UPDATE: Literal["off", "patches", "minor", "all"] = "off"
    HOSTS_READY_SECONDS: Whole = 90
    CANARY_SECONDS: Whole = 0
    CANARY_CALLS_MIN: Positive = 20
    STATE_DIR: str | None = None
    ENCRYPTION_KEYS: tuple[str, ...] = ()
    AUDIT_MAC_KEYS: tuple[str, ...] = ()
    AUDIT_MASTER_KEYS: tuple[str, ...] = ()
    AUDIT_KEY_PROVIDER: str = "gridkit_django.audit.privacy.providers.SiteKeyProvider"
    AUDIT_RETENTION: Mapping[str, str] = field(default_factory=dict)
    AUDIT_ARCHIVE_STORAGE: str | None = None
    AUDIT_PARTITION_RECORDS: Positive | None = None
    AUDIT_PARTITION_DAYS: Whole = 31
    AUDIT_BATCH_RECORDS: Positive = 500
    AUDIT_ALLOW_CLEAR: bool = False
    AUDIT_ALLOW_PRIVATE: bool = False
    AUDIT_LOCAL_DESTINATIONS: tuple[str, ...] = ()
    AUDIT_SIGNING_KEY: str | None = None
    AUDIT_PUBLIC_KEYS: tuple[str, ...] = ()
    AUDIT_SEAL_RECORDS: Positive = 1000
    AUDIT_UNSEALED_SECONDS: Positive = 300
    AUDIT_CHECKPOINT_SEALS: Positive = 100
    AUDIT_CHECKPOINT_MINUTES: Positive = 15
    AUDIT_CHECKPOINT_HOOK: str | None = None
    NOTIFY_EMAILS: tuple[str, ...] = ()
    HINT_URL: str | None = None
    POLL_SECONDS: Positive = 2
    HANDLER_BUDGET_MS: Whole = 250
    HANDLER_FAILURES_MAX: Whole = 20
    BREAKER_SLOW_CALLS: Whole = 5
    BREAKER_SECONDS: Positive = 30
    MESSAGE_BYTES_MAX: Whole = 65_536
    VALUE_BYTES_MAX: Whole = 1_000_000
    STORAGE_MIGRATION_MB_MAX: Whole = 20
    JOB_SECONDS_MAX: Positive = 300
    HEALTH_HISTORY_DAYS: Positive = 30
    USAGE_HISTORY_DAYS: Positive = 90
    METRICS_TOKEN: str | None = None
    OPENTELEMETRY: bool = False
    HOT_RELOAD: bool | None = None
    HEARTBEAT_SECONDS: Positive = 15
    AUDIT_TRUSTED_PROXIES: tuple[Network, ...] = ()
    AUDIT_IMPERSONATOR: str | None = None
    AUDIT_READS: bool = True
    AUDIT_ACCESS: bool = False
    EXPORT_STORAGE: str = "default"
    EXPORT_EXPIRY_HOURS: Whole = 72
    EXPORT_ROWS_MAX: Whole = 5_000_000
    EXPORT_JOBS_PER_USER: Whole = 5
    EXPORT_DIRECT_ROWS_MAX: Whole = 2000
    EXPORT_LINK_SECONDS: Whole = 300
    EXPORT_RUNNING_PER_USER: Positive = 2
    EXPORT_RUNNING_MAX: Positive = 8
    EXPORT_SECONDS_MAX: Positive = 3600
    EXPORT_ATTEMPTS_MAX: Positive = 10
    EXPORT_BYTES_MAX: Positive = 2_000_000_000
    EXPORT_BYTES_PER_USER: Positive = 10_000_000_000
    EXPORT_WEBHOOK_URL: str = ""
    EXPORT_WEBHOOK_SECRET: str = ""
    OUTBOX_DELAY_MS: Whole = 1000
    OUTBOX_BYTES_MAX: Positive = 200_000_000
    OUTBOX_CONNECT_SECONDS: Positive = 10
    OUTBOX_READ_SECONDS: Positive = 30
    OUTBOX_ALLOW_CLEAR: bool = False
    OUTBOX_ALLOW_PRIVATE: bool = False
    PUBLIC_URL: str = ""
    MARKET: MarketOptions = field(default_factory=MarketOptions)
    AUDIT_MODELS: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    MARKET_TRUST_STORE: str | None = None
    MARKET_TRUST_KEY: str | None = None
    AUDIT_DATABASE_ROLES: tuple[str, ...] = ()
    THROTTLE_RATES: Mapping[str, str | None] = field(default_factory=dict)


def read_settings(raw: Any) -> GridKitSettings:
    """Turn the ``GRIDKIT`` dict into typed settings.

    Args:
        raw: the dict as the project wrote it. Lists stand for tuples, and paths for their text.

    Raises:
        SettingsError: for an unknown key or a value of the wrong type; the text lists every fault.
    """
    if not isinstance(raw, Mapping):
        raise SettingsError(f"GRIDKIT in the Django settings is a {type(raw).__name__}. Make it a dict.")
    values = {key: _plain(value) for key, value in raw.items()}
    faults = [*_unknown_keys(values), *_wrong_values(values)]
    if faults:
        raise SettingsError("GRIDKIT in the Django settings is wrong: " + "; ".join(faults) + ".")
    return GridKitSettings(**values)


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else _without_paths(value)


def _without_paths(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return {key: _without_paths(item) for key, item in value.items()} if isinstance(value, Mapping) else value


def _unknown_keys(raw: Mapping[Any, Any]) -> list[str]:
    known = sorted(item.name for item in fields(GridKitSettings))
    return [f"unknown key {key!r} (known: {', '.join(known)})" for key in raw if key not in known]


def _wrong_values(raw: Mapping[Any, Any]) -> Iterator[str]:
    """Yield what is wrong with the values, by the types of ``GridKitSettings``."""
    for key in sorted(raw.keys() & _types().keys()):
        try:
            _judge(key).validate_python(raw[key])
        except ValidationError as error:
            yield from (_fault(key, item["loc"], item["msg"]) for item in error.errors(include_url=False))


@cache
def _types() -> Mapping[str, Any]:
    """Return the types of the settings; to resolve their names takes longer than to judge the values."""
    return get_type_hints(GridKitSettings, include_extras=True)


@cache
def _judge(key: str) -> TypeAdapter[Any]:
    """Return what judges a setting; a dict with keys of its own says itself how strict it is."""
    hint = _types()[key]
    return TypeAdapter(hint, config=None if is_typeddict(hint) else ConfigDict(strict=True))


def _fault(key: str, place: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join([key, *map(str, place)])}: {message[:1].lower()}{message[1:]}"


class SettingsReader:
    """Reads the ``GRIDKIT`` dict at the first call and again after ``forget``."""

    def __init__(self) -> None:
        self._values: GridKitSettings | None = None

    def __call__(self) -> GridKitSettings:
        """Return the current settings.

        Raises:
            SettingsError: when the dict is wrong; the system check ``gridkit.E001`` says so first.
        """
        if self._values is None:
            self._values = read_settings(getattr(django_settings, "GRIDKIT", {}))
        return self._values

    def forget(self, *, setting: str, **_kwargs: Any) -> None:
        """Receiver of Django's ``setting_changed``: read the dict again at the next call."""
        if setting == "GRIDKIT":
            self._values = None


settings = SettingsReader()


def market_settings() -> MarketSettings:
    """Return how this site serves a marketplace.

    Raises:
        SettingsError: when the ``GRIDKIT`` dict is wrong.
    """
    given: dict[str, Any] = dict(settings().MARKET)
    return MarketSettings(**given)
