"""Keys and tokens that were packed by mistake. What is found is never kept or shown: only where it is, and its kind."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from gridkit_django.exceptions import PackageRefusedError
from gridkit_django.marketplace.packaging.rules import Rule

ALLOW_MARK = b"gridkit: allow-secret"
"""On the line of an example that only looks like a secret."""

_ENTROPY = 3.6


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of secret: a fixed text that is looked for first, because that is quick, and the whole form."""

    name: str
    hint: bytes
    form: re.Pattern[bytes]


def _kind(name: str, hint: bytes, form: bytes) -> _Kind:
    return _Kind(name, hint, re.compile(form))


_KINDS = (
    _kind("private key", b"PRIVATE KEY-----", rb"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----\s{0,4}[A-Za-z0-9+/=:\-]{16}"),
    _kind("AWS access key", b"AKIA", rb"\bAKIA[A-Z2-7]{16}\b"),
    _kind("AWS temporary key", b"ASIA", rb"\bASIA[A-Z2-7]{16}\b"),
    _kind("GitHub token", b"gh", rb"\bgh[oprsu]_[A-Za-z0-9]{36}"),
    _kind("GitHub token", b"github_pat_", rb"\bgithub_pat_[A-Za-z0-9_]{60,90}"),
    _kind("GitLab token", b"glpat-", rb"\bglpat-[A-Za-z0-9_-]{20}"),
    _kind("PyPI token", b"pypi-", rb"\bpypi-[A-Za-z0-9_-]{50,300}"),
    _kind("npm token", b"npm_", rb"\bnpm_[A-Za-z0-9]{36}"),
    _kind("Slack token", b"xox", rb"\bxox[abeoprs]-[A-Za-z0-9-]{20,200}"),
    _kind("Slack webhook", b"hooks.slack.com", rb"hooks\.slack\.com/services/T\w{6,12}/B\w{6,14}/\w{20,30}"),
    _kind("Stripe key", b"k_live_", rb"\b[rs]k_live_[A-Za-z0-9]{20,200}"),
    _kind("Google API key", b"AIza", rb"\bAIza[A-Za-z0-9_-]{35}"),
    _kind("SendGrid key", b"SG.", rb"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    _kind("JSON Web Token", b"eyJ", rb"\beyJ[A-Za-z0-9_-]{16,600}\.eyJ[A-Za-z0-9_-]{16,2000}\.[A-Za-z0-9_-]{20,600}"),
    _kind("publisher token", b"gkp_", rb"\bgkp_[A-Za-z0-9_-]{20,200}"),
    _kind(
        "password in an address",
        b"://",
        rb"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@'\"{}<>$%]{1,64}:(?!passw|secret)[^\s/:@'\"{}<>$%*]{8,128}@[a-z0-9.-]{4,}",
    ),
)
_QUOTED = re.compile(rb"""["']([A-Za-z0-9+/=_\-]{20,200})["']""")
_ASSIGNED = re.compile(
    rb"""(?i)(?:api_?key|secret|token|passw(?:or)?d|private_?key|auth)\w{0,16}["']?\s{0,8}[:=]{1,2}>?\s{0,8}\Z"""
)
_BEFORE = 60
_EXAMPLE = re.compile(rb"(?i)example|dummy|placeholder|changeme|your[_-]|xxxx|0000|1234567|test")


def check_leaks(files: Mapping[str, bytes]) -> None:
    """Refuse a package that holds a key or a token.

    Raises:
        PackageRefusedError: names the file, the line and the kind, never the value.
    """
    for name, content in files.items():
        for kind, place in _found(content):
            line = content.count(b"\n", 0, place) + 1
            if ALLOW_MARK not in _line_at(content, place):
                raise PackageRefusedError(
                    f"{name!r}, line {line}, holds a {kind}. Take it out, make it invalid where it is from, and build "
                    f"the package anew. Where it only looks like one, write '{ALLOW_MARK.decode()}' on its line.",
                    rule=Rule.SECRET.value,
                    entry=name,
                    extra={"line": line, "kind": kind},
                )


def _found(content: bytes) -> list[tuple[str, int]]:
    found = [
        (kind.name, match.start())
        for kind in _KINDS
        if kind.hint in content
        for match in kind.form.finditer(content)
        if kind.name == "private key" or not _EXAMPLE.search(match[0])
    ]
    found.extend(
        ("secret in an assignment", match.start(1)) for match in _QUOTED.finditer(content) if _is_random(match)
    )
    return found


def _is_random(match: re.Match[bytes]) -> bool:
    """Whether a quoted text looks random, and what stands in front of it says that it is a secret."""
    before = match.string[max(0, match.start() - _BEFORE) : match.start()]
    named = _ASSIGNED.search(before)
    return bool(
        named and _mixed(match[1]) and _entropy(match[1]) >= _ENTROPY and not _EXAMPLE.search(named[0] + match[1])
    )


def _line_at(content: bytes, place: int) -> bytes:
    """Return the line at a place, or its nearest part when it is a long one (minified files)."""
    start = content.rfind(b"\n", max(0, place - 2000), place) + 1 or max(0, place - 2000)
    end = content.find(b"\n", place, place + 4000)
    return content[start : end if end >= 0 else place + 4000]


def _mixed(value: bytes) -> bool:
    """Whether a text has digits and letters of both kinds, as random ones have and words and paths have not."""
    return any(b"0"[0] <= char <= b"9"[0] for char in value) and value.lower() != value and value.upper() != value


def _entropy(value: bytes) -> float:
    """Return the bits for each character."""
    return -sum(count / len(value) * math.log2(count / len(value)) for count in Counter(value).values())
