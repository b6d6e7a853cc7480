"""Talking to servers of others: the one HTTP client of the house. It knows nobody who uses it."""

from __future__ import annotations

from gridkit_django.network.addresses import Address, read_address
from gridkit_django.network.connecting import Rules, connect
from gridkit_django.network.requests import Answer, send_request

__all__ = ["Address", "Answer", "Rules", "connect", "read_address", "send_request"]
