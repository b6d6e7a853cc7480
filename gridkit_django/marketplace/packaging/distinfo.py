"""The papers of a wheel: WHEEL, METADATA and entry points, and that they agree with each other."""

from __future__ import annotations

import configparser
from dataclasses import dataclass
from email import message_from_bytes

from packaging.metadata import InvalidMetadata, Metadata
from packaging.tags import Tag, parse_tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from gridkit_django.marketplace.packaging.rules import GatePolicy, Rule, refuse

ENTRY_POINT_GROUP = "gridkit.plugins"
_PAPER_BYTES_MAX = 1_048_576
_TAG_MAX = 100
_FILENAME_MAX = 240


@dataclass(frozen=True, slots=True)
class Papers:
    """What METADATA says.

    Attributes:
        distribution: the canonical name.
        version: the version.
        requires_dist: what must be installed beside it.
        requires_python: the Python versions that it works with, or empty.
        readme: the long description.
    """

    distribution: str
    version: Version
    requires_dist: tuple[str, ...]
    requires_python: str
    readme: str


def read_metadata(raw: bytes) -> Papers:
    """Return what METADATA says.

    Raises:
        PackageRefusedError: when it is broken, or needs packages from an address instead of by name.
    """
    if len(raw) > _PAPER_BYTES_MAX:
        refuse(Rule.METADATA, f"METADATA has more than {_PAPER_BYTES_MAX} bytes.", "METADATA")
    try:
        metadata = Metadata.from_email(raw, validate=True)
    except ExceptionGroup as group:
        faults = "; ".join(str(error) for error in group.exceptions)
        refuse(Rule.METADATA, f"METADATA is wrong: {faults}.", "METADATA")
    except (InvalidMetadata, ValueError, LookupError) as error:
        refuse(Rule.METADATA, f"METADATA is wrong: {error}.", "METADATA")
    for requirement in metadata.requires_dist or ():
        if requirement.url:
            refuse(
                Rule.REQUIREMENT, f"{requirement.name} is asked for by an address. Name a version range.", "METADATA"
            )
    return Papers(
        canonicalize_name(metadata.name),
        metadata.version,
        tuple(str(item) for item in metadata.requires_dist or ()),
        str(metadata.requires_python or ""),
        metadata.description or "",
    )


def check_wheel(raw: bytes, filename: str, policy: GatePolicy) -> frozenset[str]:
    """Return the platforms that WHEEL names.

    Args:
        raw: the file.
        filename: of the wheel; empty when it is not known.
        policy: says which platforms there may be.

    Raises:
        PackageRefusedError: when it is broken, contradicts the file's name, or names other platforms.
    """
    if len(raw) > _PAPER_BYTES_MAX:
        refuse(Rule.WHEEL, f"WHEEL has more than {_PAPER_BYTES_MAX} bytes.", "WHEEL")
    fields = message_from_bytes(raw)
    if str(fields.get("Wheel-Version", "")).partition(".")[0] != "1":
        refuse(Rule.WHEEL, "WHEEL is of no version 1.x.", "WHEEL")
    tags = {tag for text in fields.get_all("Tag", []) for tag in _parsed_tag(str(text).strip())}
    _check_tags(tags, policy)
    if filename and tags != parse_wheel_filename(filename)[3]:
        refuse(Rule.TAGS, f"WHEEL names other tags than the file's name {filename!r}.", "WHEEL")
    platforms = frozenset(tag.platform for tag in tags)
    if str(fields.get("Root-Is-Purelib", "")).strip().lower() != "true" and not platforms & policy.tags:
        refuse(Rule.WHEEL, "WHEEL says that the package is not of pure Python (Root-Is-Purelib).", "WHEEL")
    return platforms


def _parsed_tag(text: str) -> frozenset[Tag]:
    if len(text) > _TAG_MAX:
        refuse(Rule.TAGS, f"A tag has more than {_TAG_MAX} characters.", "WHEEL")
    try:
        return parse_tag(text)
    except ValueError as error:
        refuse(Rule.TAGS, f"{text!r} is no tag: {error}.", "WHEEL")


def _check_tags(tags: set[Tag], policy: GatePolicy) -> None:
    if not tags:
        refuse(Rule.TAGS, "WHEEL names no tag; a package of pure Python has py3-none-any.", "WHEEL")
    for tag in tags:
        pure = (tag.abi, tag.platform) == ("none", "any")
        if not tag.interpreter.startswith(("py", "cp3")) or not (pure or tag.platform in policy.tags):
            refuse(Rule.TAGS, f"The package is for {tag}, which this site does not run; py3-none-any is.", "WHEEL")


def check_filename(filename: str, papers: Papers) -> None:
    """Refuse a wheel whose file is called otherwise than what it holds.

    Raises:
        PackageRefusedError: when name or version are others, or the name is no wheel's.
    """
    try:
        name, version, build, _ = parse_wheel_filename(filename)
    except (InvalidWheelFilename, InvalidVersion) as error:
        refuse(Rule.FILENAME, f"{filename!r} is no name of a wheel: {error}.")
    if name != papers.distribution or build or not filename.isascii() or len(filename) > _FILENAME_MAX:
        refuse(Rule.FILENAME, f"The file {filename!r} holds {papers.distribution}, by its METADATA.")
    if version != papers.version:
        refuse(Rule.VERSION, f"The file {filename!r} holds version {papers.version}, by its METADATA.")


def check_dist_info(dist_info: str, papers: Papers) -> None:
    """Refuse a dist-info folder of another name or version than METADATA.

    Raises:
        PackageRefusedError: when they differ.
    """
    name, _, version = dist_info.removesuffix(".dist-info").partition("-")
    if name != papers.distribution.replace("-", "_"):
        refuse(Rule.DIST_INFO, f"{dist_info!r} is the folder of another name than {papers.distribution}.", dist_info)
    try:
        same = Version(version) == papers.version
    except InvalidVersion:
        same = False
    if not same:
        refuse(Rule.VERSION, f"{dist_info!r} is the folder of another version than {papers.version}.", dist_info)


def entry_point_of(raw: bytes) -> str:
    """Return the value of the one entry point.

    Raises:
        PackageRefusedError: when there are others, or none.
    """
    parser = configparser.ConfigParser(delimiters=("=",), comment_prefixes=("#",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # documented way to keep the case of names
    try:
        parser.read_string(raw.decode("utf-8"))
    except (UnicodeDecodeError, configparser.Error) as error:
        refuse(Rule.ENTRY_POINTS, f"entry_points.txt can't be read: {error}.", "entry_points.txt")
    groups = parser.sections() + (["DEFAULT"] if parser.defaults() else [])
    for group in groups:
        if group in {"console_scripts", "gui_scripts"}:
            refuse(Rule.SCRIPT, "The package would put scripts on the host's path.", "entry_points.txt")
    if groups != [ENTRY_POINT_GROUP] or len(parser[ENTRY_POINT_GROUP]) != 1:
        refuse(
            Rule.ENTRY_POINTS, f"A package has one entry point, in the group {ENTRY_POINT_GROUP}.", "entry_points.txt"
        )
    return next(iter(parser[ENTRY_POINT_GROUP].values())).strip()
