"""One file for each provider: how tracked events become a request, and what its answer means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gridkit_plugins.analytics.config import AnalyticsConfig
from gridkit_plugins.analytics.providers.amplitude import Amplitude
from gridkit_plugins.analytics.providers.base import Provider
from gridkit_plugins.analytics.providers.ga import GoogleAnalytics
from gridkit_plugins.analytics.providers.mixpanel import Mixpanel
from gridkit_plugins.analytics.providers.posthog import PostHog
from gridkit_plugins.analytics.providers.segment import Segment
from gridkit_plugins.analytics.providers.webhook import Webhook

__all__ = ["Provider", "make_provider"]

_MAKERS: Mapping[str, Callable[[AnalyticsConfig], Provider]] = MappingProxyType(
    {
        "mixpanel": lambda config: Mixpanel(config.mixpanel, config.key_for("mixpanel")),
        "amplitude": lambda config: Amplitude(config.amplitude, config.key_for("amplitude")),
        "ga": lambda config: GoogleAnalytics(config.ga, config.key_for("ga")),
        "segment": lambda config: Segment(config.segment, config.key_for("segment")),
        "posthog": lambda config: PostHog(config.posthog, config.key_for("posthog")),
        "webhook": lambda config: Webhook(config.webhook, config.key_for("webhook")),
    }
)


def make_provider(name: str, config: AnalyticsConfig) -> Provider:
    """Return a provider, with the keys and the host of a configuration."""
    return _MAKERS[name](config)
