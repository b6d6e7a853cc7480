"""Packages: the gate that judges them, unpacking, and making them."""

from __future__ import annotations

from gridkit_django.marketplace.packaging.gate import InspectedPackage, inspect_package
from gridkit_django.marketplace.packaging.identity import distribution_of, import_package_of
from gridkit_django.marketplace.packaging.rules import STANDARD, GatePolicy, Rule
from gridkit_django.marketplace.packaging.unpacking import check_unpacked, record_of, unpack_package

__all__ = [
    "STANDARD",
    "GatePolicy",
    "InspectedPackage",
    "Rule",
    "check_unpacked",
    "distribution_of",
    "import_package_of",
    "inspect_package",
    "record_of",
    "unpack_package",
]
