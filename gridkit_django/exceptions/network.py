"""Errors about reaching servers of others."""

from __future__ import annotations

from gridkit_django.exceptions.base import GridKitError

__all__ = ["AddressRefusedError", "NetworkError", "UnreachableError"]


class NetworkError(GridKitError):
    """A server of somebody else was not talked to."""

    code = "network-error"


class UnreachableError(NetworkError):
    """The server is not reached, cuts the connection, or takes too long: trying again is sensible."""

    code = "network-unreachable"


class AddressRefusedError(NetworkError):
    """The address is none that this site talks to: not encrypted, of a private network, or no address at all."""

    code = "network-address-refused"
