"""What an administrator may set for analytics, for the site and for single grids."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from gridkit_django.events import matching_types
from gridkit_django.exceptions import PluginConfigError, UnknownEventTypeError
from gridkit_django.plugins import check_site_function

ProviderName = Literal["mixpanel", "amplitude", "ga", "segment", "posthog", "webhook"]

_NO_SECRET = SecretStr("")
_CONSENT = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def _checked_base(address: str) -> str:
    """Return the address of a server without the slash at its end.

    Raises:
        ValueError: when it is none.
    """
    parts = urlsplit(address)
    if address and (parts.scheme not in {"https", "http"} or not parts.netloc or parts.query or parts.fragment):
        raise ValueError("expected an address such as https://analytics.example.org")
    return address.rstrip("/")


Base = Annotated[str, AfterValidator(_checked_base)]

_HOST = Field(
    default="",
    title="Address",
    description="A proxy or a server of your own, as in https://analytics.example.org; empty for the vendor's.",
)
_KEY = Field(default=_NO_SECRET, title="Key", description="Empty for the key above.")


class RegionConfig(BaseModel):
    """A vendor that keeps data in one of two regions.

    Attributes:
        api_key: its key.
        region: where the project lies.
        host: another address.
    """

    model_config = ConfigDict(extra="forbid")

    api_key: SecretStr = _KEY
    region: Literal["us", "eu"] = Field(default="us", title="Region", description="Where the project keeps its data.")
    host: Base = _HOST


class MixpanelConfig(BaseModel):
    """Mixpanel.

    Attributes:
        api_key: the project token.
        service_account: user name of a service account, in place of the token.
        service_secret: its secret.
        project_id: the project that the service account writes to.
        region: where the project lies.
        host: another address.
    """

    model_config = ConfigDict(extra="forbid")

    api_key: SecretStr = _KEY
    service_account: str = Field(default="", title="Service account", description="Takes the place of the token.")
    service_secret: SecretStr = Field(default=_NO_SECRET, title="Secret of the service account")
    project_id: str = Field(default="", title="Project", description="Its id; a service account needs it.")
    region: Literal["us", "eu", "in"] = Field(
        default="us", title="Region", description="Where the project keeps its data."
    )
    host: Base = _HOST


class GoogleConfig(RegionConfig):
    """Google Analytics 4.

    Attributes:
        measurement_id: of the web data stream, ``G-…``.
    """

    measurement_id: str = Field(
        default="", title="Measurement id", description="Of the web data stream: G-XXXXXXXXXX.", pattern=r"^(G-\w+)?$"
    )


class WebhookConfig(BaseModel):
    """An address of the site's own.

    Attributes:
        api_key: what signs the requests.
        url: where they go.
    """

    model_config = ConfigDict(extra="forbid")

    api_key: SecretStr = Field(default=_NO_SECRET, title="Secret", description="Signs the requests.")
    url: str = Field(default="", title="Address", pattern=r"^(https?://[^\s]+)?$", description="Where events go.")


class CustomEvent(BaseModel):
    """How events of one pattern are told.

    Attributes:
        name: what the vendor calls them.
        fields: which properties are told; None for all.
    """

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    fields: list[str] | None = None


class AnalyticsConfig(BaseModel):
    """The configuration of the analytics plugin.

    Attributes:
        provider: who is told; nobody by default, and the site counts for itself.
        api_key: the key of the provider.
        auto_track: whether the common events are tracked under their usual names.
        custom_events: event patterns to the names under which they are tracked; they go before the usual ones.
        allowed_columns: ids of columns whose values may be sent.
        identity: whether users are told by a pseudonym or by their id.
        identity_key: what pseudonyms are made with; empty for the site's secret key.
        row_ids: whether rows are told by a pseudonym, by their id or not at all.
        sample: the share of users who are tracked, 0 to 1.
        sample_groups: the share in groups of users, by name of the group.
        consent: who says whether a user agreed: an attribute of the user, or a function's dotted path.
        respect_dnt: whether browsers that ask not to be followed are left alone.
        own_store: whether the site counts for itself.
        keep_days: how long it keeps its counts.
    """

    model_config = ConfigDict(extra="forbid")

    provider: list[ProviderName] = Field(
        default=[], title="Providers", description="Who is told of events. None: the site only counts for itself."
    )
    api_key: SecretStr = Field(
        default=_NO_SECRET,
        title="Key",
        description="The key of the provider: project token, API key, API secret, write key, or the webhook's secret.",
    )
    auto_track: bool = Field(
        default=True,
        title="Track common events",
        description="Selections, sorts, filters, pages, columns, views, edits and exports.",
    )
    custom_events: dict[str, str | CustomEvent] = Field(
        default={},
        title="Custom events",
        description='Event patterns and their names: {"row:delete": "Order Cancelled", '
        '"cell:edit": {"name": "Order Edited", "fields": ["column"]}}. They replace the common name.',
    )
    allowed_columns: list[str] = Field(
        default=[],
        title="Columns whose values may be sent",
        description="Ids of columns. Values of all others never leave the site, nor do those of columns that are "
        "masked or encrypted in the audit trail, or that not everybody may see.",
    )
    identity: Literal["hashed", "plain"] = Field(
        default="hashed", title="Identity", description="Users are told by a pseudonym, or by their id."
    )
    identity_key: SecretStr = Field(
        default=_NO_SECRET,
        title="Key of pseudonyms",
        description="Empty for the site's secret key. With another key everybody gets another pseudonym.",
    )
    row_ids: Literal["hashed", "plain", "none"] = Field(
        default="hashed", title="Rows", description="Rows are told by a pseudonym, by their primary key, or not at all."
    )
    sample: float = Field(
        default=1.0, ge=0, le=1, title="Share of users", description="1 for all; a user is in or out as a whole."
    )
    sample_groups: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        default={},
        title="Share in groups",
        description='Names of groups of users and their shares: {"Staff": 0}. Of several the smallest counts.',
    )
    consent: str = Field(
        default="",
        title="Consent",
        description="An attribute of the user that is true when he agreed, or the dotted path of a function that is "
        "given the user's id; the setting PLUGIN_FUNCTIONS has to list it. Empty: nobody is asked.",
    )
    respect_dnt: bool = Field(
        default=True,
        title="Respect Do Not Track",
        description="Tell nobody of people whose browser sends DNT or Sec-GPC.",
    )
    own_store: bool = Field(
        default=True,
        title="Count for this site",
        description="Keep counts by grid, column and day; the Reports tab shows them.",
    )
    keep_days: int = Field(default=90, ge=1, le=1000, title="Keep counts", description="In days.")
    mixpanel: MixpanelConfig = Field(default_factory=MixpanelConfig, title="Mixpanel")
    amplitude: RegionConfig = Field(default_factory=RegionConfig, title="Amplitude")
    ga: GoogleConfig = Field(default_factory=GoogleConfig, title="Google Analytics")
    segment: RegionConfig = Field(default_factory=RegionConfig, title="Segment")
    posthog: RegionConfig = Field(default_factory=RegionConfig, title="PostHog")
    webhook: WebhookConfig = Field(default_factory=WebhookConfig, title="Webhook")

    def key_for(self, provider: ProviderName) -> str:
        """Return the key of a provider: its own, or that of the whole configuration."""
        own: SecretStr = getattr(self, provider).api_key
        return own.get_secret_value() or self.api_key.get_secret_value()

    @field_validator("provider", mode="before")
    @classmethod
    def _as_list(cls, provider: Any) -> Any:
        """Read ``provider: "mixpanel"`` of the specification as a list of one."""
        return ([provider] if provider else []) if isinstance(provider, str) else provider

    @field_validator("custom_events")
    @classmethod
    def _known(cls, events: dict[str, str | CustomEvent]) -> dict[str, str | CustomEvent]:
        for pattern in events:
            try:
                matching_types(pattern)
            except UnknownEventTypeError as error:
                raise ValueError(error.detail) from error
        return events

    @field_validator("consent")
    @classmethod
    def _named(cls, consent: str) -> str:
        if consent and not _CONSENT.fullmatch(consent):
            raise ValueError("expected an attribute of the user or the dotted path of a function")
        try:
            return check_site_function(consent) if "." in consent else consent
        except PluginConfigError as error:
            raise ValueError(error.detail) from error

    @model_validator(mode="after")
    def _complete(self) -> AnalyticsConfig:
        if len(set(self.provider)) < len(self.provider):
            raise ValueError("each provider can be named once only")
        for name in self.provider:
            if missing := self._missing(name):
                raise ValueError(f"{name} needs {missing}")
        return self

    def _missing(self, name: ProviderName) -> str:
        """Return what a provider can't do without."""
        if name == "webhook":
            return "" if self.webhook.url else "an address"
        if name == "mixpanel" and self.mixpanel.service_account:
            return "" if self.mixpanel.project_id else "the project of the service account"
        if name == "ga" and not self.ga.measurement_id:
            return "a measurement id"
        return "" if self.key_for(name) else "a key"
