"""The marketplaces of the settings, and which of them a plugin id belongs to: always exactly one, or none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from gridkit_django.conf import settings
from gridkit_django.exceptions import MarketplaceUnknownError, SettingsError
from gridkit_django.marketplace.trust.channels import HttpPlace, is_readable_on_the_way


@dataclass(frozen=True, slots=True)
class Remote:
    """One marketplace of the settings.

    Attributes:
        alias: its name in the settings.
        url: its address, with a slash at the end.
        prefixes: plugin ids begin with one of these; none stands for all ids.
        token: sent as bearer token; empty for none.
        ca_file: certificates that are believed, empty for those of the system.
        proxy: address of an HTTP proxy, empty for none.
        timeout: seconds for a connection and for each silence.
        root: path of the root file that trust begins with; empty for none.
        bundle: path of a bundle that all comes from, so that no network is asked; empty for none.
        plain_http: whether an address of another machine may be without TLS.
    """

    alias: str
    url: str
    prefixes: tuple[str, ...] = ("",)
    token: str = field(default="", repr=False)
    ca_file: str = ""
    proxy: str = ""
    timeout: float = 3.0
    root: str = ""
    bundle: str = ""
    plain_http: bool = False

    def fit(self, plugin_id: str) -> int:
        """Return the length of the longest prefix that the id begins with; -1 when there is none."""
        return max((len(prefix) for prefix in self.prefixes if plugin_id.startswith(prefix)), default=-1)

    def place(self) -> HttpPlace:
        """Return where it is, and how to get there: for whoever is about to send something there.

        Raises:
            SettingsError: when others could read and change what goes there.
        """
        if is_readable_on_the_way(self.url) and not self.plain_http:
            raise SettingsError(
                f"The address of the marketplace {self.alias!r} is {self.url!r}: others can read and change what goes "
                "there, the token too. Use https, or set plain_http to True where the network is your own."
            )
        return HttpPlace(self.url, self.token, self.ca_file, self.proxy, self.timeout)


def remotes() -> tuple[Remote, ...]:
    """Return the marketplaces of the settings, by name.

    Raises:
        SettingsError: when two have the same prefix, or an address is none.
    """
    found = tuple(_remote(alias, dict(options)) for alias, options in sorted(settings().MARKETPLACES.items()))
    counts = Counter(prefix for remote in found for prefix in set(remote.prefixes))
    twice = sorted(prefix for prefix, count in counts.items() if count > 1)
    if twice:
        names = ", ".join(repr(prefix) if prefix else "all ids" for prefix in twice)
        raise SettingsError(
            f"GRIDKIT['MARKETPLACES'] gives {names} to more than one marketplace. A plugin belongs to exactly one, or "
            "another could put a newer one in its place: give each its own prefixes."
        )
    return found


def remote_of(plugin_id: str) -> Remote:
    """Return the marketplace that a plugin id belongs to: the one with the longest prefix that fits.

    Raises:
        MarketplaceUnknownError: when there is none.
        SettingsError: when the settings are wrong.
    """
    best = max(remotes(), key=lambda remote: remote.fit(plugin_id), default=None)
    if best is None or best.fit(plugin_id) < 0:
        raise MarketplaceUnknownError(
            f"No marketplace of this site has {plugin_id!r}. GRIDKIT['MARKETPLACES'] says which has which prefixes."
        )
    return best


def remote_named(alias: str) -> Remote:
    """Return a marketplace by its name in the settings.

    Raises:
        MarketplaceUnknownError: when there is none.
    """
    found = next((remote for remote in remotes() if remote.alias == alias), None)
    if found is None:
        raise MarketplaceUnknownError(f"GRIDKIT['MARKETPLACES'] has no {alias!r}.")
    return found


def _remote(alias: str, options: dict[str, Any]) -> Remote:
    url = str(options.pop("url"))
    if not url.startswith(("https://", "http://")):
        raise SettingsError(f"The address of the marketplace {alias!r} is {url!r}; it is like https://host/market/.")
    if options.get("bundle") and not options.get("root"):
        raise SettingsError(
            f"The marketplace {alias!r} has a bundle and no root: nothing in a bundle is believed without."
        )
    prefixes: tuple[str, ...] = tuple(options.pop("prefixes", ())) or ("",)
    remote = Remote(alias, url.rstrip("/") + "/", prefixes, **options)
    if not remote.bundle:
        remote.place()
    return remote
