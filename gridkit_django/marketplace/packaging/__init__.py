"""Packages: the gate that judges them, unpacking, and making them."""

from __future__ import annotations

from gridkit_django.marketplace.packaging.building import BuiltPackage, build_package
from gridkit_django.marketplace.packaging.gate import InspectedPackage, inspect_package
from gridkit_django.marketplace.packaging.identity import distribution_of, import_package_of
from gridkit_django.marketplace.packaging.rules import STANDARD, GatePolicy, Rule, policy_of_site
from gridkit_django.marketplace.packaging.scaffold import start_plugin_repository
from gridkit_django.marketplace.packaging.unpacking import check_unpacked, record_of, unpack_package

__all__ = [
    "STANDARD",
    "BuiltPackage",
    "GatePolicy",
    "InspectedPackage",
    "Rule",
    "build_package",
    "check_unpacked",
    "distribution_of",
    "import_package_of",
    "inspect_package",
    "policy_of_site",
    "record_of",
    "start_plugin_repository",
    "unpack_package",
]
