"""The shapes of what a marketplace says. Nothing else of it is kept, and what does not fit is left out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from gridkit_django.plugins.metadata import CANARY_SECONDS_MAX, PluginId
from gridkit_django.plugins.ranges import parse_range

_RELATIVE = r"^[A-Za-z0-9_][A-Za-z0-9_./@+%-]*$"


def _below(value: str) -> str:
    """Let an address pass that stays below the marketplace's own.

    Raises:
        ValueError: when it does not.
    """
    if ".." in value.split("/"):
        raise ValueError("it leads elsewhere")
    return value


def _range(value: str) -> str:
    parse_range(value)
    return value


Short = Annotated[str, Field(max_length=200)]
Text = Annotated[str, Field(max_length=200_000)]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Relative = Annotated[str, Field(max_length=400, pattern=_RELATIVE), AfterValidator(_below)]
Address = Annotated[str, Field(max_length=500, pattern=r"^(?i:https?)://[^\s/?#]")]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Publisher(_Shape):
    """Who publishes a plugin."""

    name: Short
    display_name: Short = ""
    identity_proved: bool = False


class Rating(_Shape):
    """What sites think of it."""

    value: Annotated[float, Field(ge=0, le=5)] | None = None
    count: Annotated[int, Field(ge=0)] = 0


class CanaryTerms(_Shape):
    """What a release says about being tried by one process before the others."""

    side_by_side: bool = True
    seconds: Annotated[int, Field(ge=0, le=CANARY_SECONDS_MAX)] = 0


class RemoteRelease(_Shape):
    """One release."""

    version: Annotated[str, Field(max_length=64)]
    digest: Digest
    size: Annotated[int, Field(ge=0)]
    filename: Annotated[str, Field(max_length=300, pattern=r"^[A-Za-z0-9_.+-]+\.whl$")]
    url: Relative
    signature: Short = ""
    public_key: Short = ""
    core_version: Annotated[str, Field(max_length=200), AfterValidator(_range)]
    python_version: Short = ""
    permissions: Annotated[list[Short], Field(max_length=100)] = []
    requires: Annotated[list[Annotated[str, Field(max_length=500)]], Field(max_length=200)] = []
    peer_plugins: Annotated[list[Annotated[str, Field(max_length=300)]], Field(max_length=50)] = []
    incompatible_with: Annotated[list[Short], Field(max_length=50)] = []
    requires_restart: bool = False
    canary: CanaryTerms = CanaryTerms()
    state: Literal["published", "yanked"]
    yanked_reason: Annotated[str, Field(max_length=2000)] = ""
    reviewed: bool = False
    uploaded_at: AwareDatetime | None = None
    released_at: AwareDatetime | None = None
    seen_at: AwareDatetime | None = None
    """When this site saw it first, unless it came with the first load. The catalogue writes it; no server can."""
    config_schema: dict[str, Any] = {}
    changelog: Text = ""
    notes: Text = ""


class Picture(_Shape):
    """A screenshot."""

    url: Relative
    width: Annotated[int, Field(ge=0)] = 0
    height: Annotated[int, Field(ge=0)] = 0
    caption: Short = ""


class RemoteListing(_Shape):
    """A plugin with its releases."""

    id: PluginId
    name: Short
    summary: Annotated[str, Field(max_length=2000)] = ""
    category: Annotated[str, Field(max_length=50)]
    tags: Annotated[list[Annotated[str, Field(max_length=50)]], Field(max_length=50)] = []
    publisher: Publisher
    verified: bool = False
    featured: bool = False
    pricing: Literal["free", "freemium", "paid"] = "free"
    license: Short = ""
    icon: Relative | None = None
    downloads: Annotated[int, Field(ge=0)] = 0
    installs: Annotated[int, Field(ge=0)] = 0
    rating: Rating = Rating()
    updated_at: datetime | None = None
    state: Literal["active", "deprecated", "archived"] = "active"
    state_reason: Annotated[str, Field(max_length=2000)] = ""
    homepage: Address | None = None
    repository: Address | None = None
    screenshots: Annotated[list[Picture], Field(max_length=50)] = []
    demo: Address | None = None
    documentation: Address | None = None
    pricing_text: Short = ""
    pricing_page: Address | None = None
    license_page: Address | None = None
    publisher_keys: Annotated[list[dict[str, Any]], Field(max_length=500)] = []
    versions: Annotated[list[RemoteRelease], Field(max_length=1000)] = []

    def release(self, version: str) -> RemoteRelease | None:
        """Return a release by its version."""
        return next((item for item in self.versions if item.version == version), None)


class RemoteIndex(_Shape):
    """What a marketplace says about itself."""

    name: Short
    serial: Annotated[int, Field(ge=0)]
    protocol: Literal[1]


class RemoteChanges(_Shape):
    """A page of what changed; each listing is judged for itself."""

    serial: Annotated[int, Field(ge=0)]
    more: bool = False
    listings: Annotated[list[dict[str, Any]], Field(max_length=1000)] = []
    removed: Annotated[list[Short], Field(max_length=1000)] = []


LISTING: TypeAdapter[RemoteListing] = TypeAdapter(RemoteListing)
