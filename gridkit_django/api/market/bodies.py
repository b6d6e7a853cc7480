"""The shapes of the marketplace's wire. Names are snake_case here: it is one protocol between sites, version 1."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from gridkit_django.api.serializers.bodies import RequestBody
from gridkit_django.api.serializers.descriptions import DescribedBody


class WireBody(DescribedBody):
    """A body that goes out."""

    model_config = ConfigDict(frozen=True)

    def to_wire(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return self.model_dump(mode="json")


class WireRequest(RequestBody):
    """A body that comes in: unknown keys are refused, and no value is converted to fit."""

    model_config = ConfigDict(alias_generator=None)


class MarketIndex(WireBody):
    """What the marketplace is."""

    name: str
    serial: int
    """Number of the last change."""
    protocol: Literal[1] = 1


class WirePublisher(WireBody):
    """Who publishes a plugin."""

    name: str
    display_name: str
    identity_proved: bool
    """Whether it is proved who that is; it says nothing about the code."""


class LatestRelease(WireBody):
    """The release that stands for a plugin."""

    version: str
    digest: str
    size: int
    core_version: str
    permissions: list[str]
    released_at: datetime | None


class Rating(WireBody):
    """What sites that have the plugin think of it."""

    value: float | None
    """Smoothed, 1 to 5; null without a rating."""
    count: int


class Summary(WireBody):
    """A plugin in a list."""

    id: str
    name: str
    summary: str
    category: str
    tags: list[str]
    publisher: WirePublisher
    verified: bool
    """Whether a person has looked at the latest release."""
    featured: bool
    pricing: str
    license: str
    icon: str | None
    """Relative address of a picture."""
    latest: LatestRelease | None
    downloads: int
    installs: int
    rating: Rating
    updated_at: datetime | None
    state: str
    """``active``, ``deprecated`` or ``archived``."""
    state_reason: str
    homepage: str | None
    repository: str | None


class WireCanary(WireBody):
    """What a release says about being tried by one process before the others."""

    side_by_side: bool
    """Whether it may serve while other processes run the version before it."""
    seconds: int
    """For how long it is tried at least, where a site tries updates at all."""


class WireRelease(WireBody):
    """One release."""

    version: str
    digest: str
    size: int
    filename: str
    url: str
    """Relative to the root of the marketplace."""
    signature: str
    public_key: str
    core_version: str
    python_version: str
    permissions: list[str]
    requires: list[str]
    """What must be installed beside it, as core metadata writes it."""
    peer_plugins: list[str]
    incompatible_with: list[str]
    requires_restart: bool
    canary: WireCanary
    state: str
    """``published`` or ``yanked``."""
    yanked_reason: str
    reviewed: bool
    uploaded_at: datetime
    """When its signature came in: a key that was revoked before signs for nothing."""
    released_at: datetime | None
    config_schema: dict[str, Any]
    changelog: str
    notes: str


class Picture(WireBody):
    """A screenshot."""

    url: str
    width: int
    height: int
    caption: str
    """What it shows, for who can't see it."""


class ChangedListing(Summary):
    """A plugin with its releases, as clients keep it."""

    screenshots: list[Picture]
    demo: str | None
    documentation: str | None
    """Where more is written."""
    pricing_text: str
    """What it costs, in words."""
    pricing_page: str | None
    license_page: str | None
    distribution: str
    import_package: str
    publisher_keys: list[dict[str, Any]]
    """The signed list of the publisher's keys, oldest statement first."""
    versions: list[WireRelease]


class Detail(ChangedListing):
    """Everything about a plugin."""

    documentation_html: str
    changelog_html: str


class Count(WireBody):
    """How many results there are."""

    value: int
    is_: Literal["exact", "at_least"] = Field(serialization_alias="is")

    model_config = ConfigDict(frozen=True, serialize_by_alias=True)


class ListingPage(WireBody):
    """A page of plugins."""

    count: Count
    serial: int
    meant: str
    """Words that were searched for, too, because hardly anything has those that were asked for."""
    results: list[Summary]


class FacetCounts(WireBody):
    """How many results there are of each kind."""

    serial: int
    exact: bool
    category: dict[str, int]
    tags: dict[str, int]
    free: dict[str, int]
    verified: dict[str, int]


class Suggestion(WireBody):
    """A plugin whose name begins so."""

    id: str
    name: str


class Suggestions(WireBody):
    """Plugins whose names begin so."""

    results: list[Suggestion]


class CategoryCount(WireBody):
    """A category, and how many plugins it has."""

    category: str
    count: int


class Categories(WireBody):
    """All categories."""

    serial: int
    results: list[CategoryCount]


class ChangesPage(WireBody):
    """What changed after a serial."""

    serial: int
    """Ask from here next time."""
    more: bool
    """Whether there are further pages now."""
    listings: list[ChangedListing]
    removed: list[str]
    """Ids of what is public no more."""


class PublishedBody(WireBody):
    """A release that was taken in."""

    id: str
    version: str
    state: str
    url: str


class WireCheck(WireBody):
    """What a check says."""

    name: str
    result: Literal["pass", "fail", "error"]
    detail: str


class ReleaseStatus(PublishedBody):
    """How far a release is."""

    digest: str
    held_for: list[str]
    """Why it waits; for its publisher only."""
    checks: list[WireCheck]
    """For its publisher only."""
    review_note: str
    """For its publisher only."""
    reviewed: bool
    yanked_reason: str


class YankRequest(WireRequest):
    """Why a release is yanked."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class UnpublishRequest(WireRequest):
    """Why a plugin is removed."""

    reason: Annotated[str, Field(max_length=500)] = ""


class SubmitRequest(WireRequest):
    """Nothing more to say."""


class FrontPicture(WireBody):
    """A picture as its publisher sees it."""

    sha256: str
    """Of what is served; names the picture."""
    source: str
    """SHA-256 of the file that was sent; empty when it came from elsewhere."""
    caption: str = ""
    width: int = 0
    height: int = 0


class Front(WireBody):
    """What a publisher says of a plugin beside its packages."""

    id: str
    state: str
    """``pending`` until something is published."""
    state_reason: str
    demo: str
    documentation: str
    pricing_text: str
    pricing_page: str
    license_page: str
    icon: FrontPicture | None
    screenshots: list[FrontPicture]


class FrontRequest(WireRequest):
    """What is to be changed; what is left out stays, and an empty text takes it away."""

    demo: Annotated[str, Field(max_length=500)] = ""
    documentation: Annotated[str, Field(max_length=500)] = ""
    pricing_text: Annotated[str, Field(max_length=200)] = ""
    pricing_page: Annotated[str, Field(max_length=500)] = ""
    license_page: Annotated[str, Field(max_length=500)] = ""


class OrderRequest(WireRequest):
    """The order of the screenshots."""

    order: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=100)]
    """The SHA-256 of each."""


class StateRequest(WireRequest):
    """How a plugin stands."""

    state: Literal["active", "deprecated", "archived"]
    reason: Annotated[str, Field(max_length=500)] = ""


class StatementRequest(WireRequest):
    """A signed statement about a key; ``gridkit_keygen --rotate`` makes it."""

    publisher: str
    serial: int
    previous: str
    act: Literal["add", "retire", "revoke"]
    key: str
    at: str
    signed_by: str
    signature: str


class WireKey(WireBody):
    """A key of a publisher."""

    key: str
    """In base64."""
    state: Literal["active", "retired", "revoked"]
    ended_at: str | None
    """From when on it signs for nothing."""


class PublisherKeys(WireBody):
    """The keys of a publisher."""

    publisher: str
    serial: int
    """Of the last statement; 0 when there is none."""
    head: str
    """Digest of the last statement: the next one names it."""
    keys: list[WireKey]
    statements: list[dict[str, Any]]


class MailsRequest(WireRequest):
    """Which mails a publisher does not want."""

    off: Annotated[
        list[Literal["checked", "quarantined", "published", "yanked", "removed", "token", "key"]], Field(max_length=20)
    ]


class WireMail(WireBody):
    """A kind of mails."""

    kind: str
    label: str
    """What such a mail tells."""
    wanted: bool


class PublisherMails(WireBody):
    """The mails of a publisher."""

    publisher: str
    has_address: bool
    """Whether the marketplace has an address to write to."""
    kinds: list[WireMail]


class EventRequest(WireRequest):
    """What a site did."""

    site: Annotated[str, Field(min_length=16, max_length=128)]
    """An id that the site made up for itself; only a salted hash of it is kept."""
    kind: Literal["download", "install", "update", "uninstall"]
    version: Annotated[str, Field(min_length=1, max_length=64)]
    core_version: Annotated[str, Field(max_length=64)] = ""


class RatingRequest(WireRequest):
    """What a site thinks."""

    site: Annotated[str, Field(min_length=16, max_length=128)]
    rating: Annotated[int, Field(ge=1, le=5)]


class ReportRequest(WireRequest):
    """What somebody tells the administrators."""

    reason: Literal["malware", "squatting", "broken", "content", "other"]
    text: Annotated[str, Field(min_length=10, max_length=5000)]
    contact: Annotated[str, Field(max_length=254)] = ""
    version: Annotated[str, Field(max_length=64)] = ""


class Accepted(WireBody):
    """It was noted."""

    ok: bool = True


class AnalyticsDay(WireBody):
    """One day."""

    day: date
    download: int
    install: int
    update: int
    uninstall: int


class Analytics(WireBody):
    """How a plugin does."""

    id: str
    downloads: int
    installs: int
    updates: int
    rating: Rating
    days: list[AnalyticsDay]
    versions: dict[str, int]
    """Sites that have each version now."""
    core_versions: dict[str, int]
    """Reports of the days by version of GridKit."""
