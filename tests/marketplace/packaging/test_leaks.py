"""Keys and tokens that were packed by mistake are found, told by place and kind, and never repeated."""

from __future__ import annotations

import pytest

from gridkit_django.exceptions import PackageRefusedError
from gridkit_django.marketplace.packaging.leaks import check_leaks

RANDOM = "q8Zr2Lw9Xk4Vb7Nm1Tp6Yd3Hc5Jf0Gs8Rz2Lw9Xk4Vb7Nm1Tp6Yd3Hc5Jf0Gs"
SECRETS = {
    "private key": "-----BEGIN PRIVATE KEY-----\n" + RANDOM,
    "AWS access key": "AKIA" + "Q7ZJW3T5M2N4P6RS",
    "GitHub token": "ghp_" + RANDOM[:36],
    "GitLab token": "glpat-" + RANDOM[:20],
    "PyPI token": "pypi-" + RANDOM[:55],
    "npm token": "npm_" + RANDOM[:36],
    "Slack token": "xoxb-" + RANDOM[:24],
    "Stripe key": "sk_live_" + RANDOM[:24],
    "Google API key": "AIza" + RANDOM[:35],
    "publisher token": "gkp_" + RANDOM[:32],
    "password in an address": "postgres://admin:" + RANDOM[:12] + "@db.internal.net/x",
    "secret in an assignment": f'API_KEY = "{RANDOM[:24]}"',
}


@pytest.mark.parametrize("kind", SECRETS)
def test_secret_is_found_and_never_repeated(kind: str) -> None:
    text = f"# settings\n\nx = 1; {SECRETS[kind]}\n"

    with pytest.raises(PackageRefusedError) as caught:
        check_leaks({"a.py": b"", "b.py": text.encode()})
    error = caught.value
    assert (error.code, error.entry, error.extra["line"], error.extra["kind"]) == ("package-secret", "b.py", 3, kind)
    assert RANDOM[:12] not in f"{error.detail}{error.extra}"


@pytest.mark.parametrize(
    "text",
    [
        'token_url = "abcdefghijklmnopqrstuvwxyz"',
        f'password: "example-{RANDOM[:24]}"',
        f'name = "{RANDOM[:24]}"',
        "postgres://user:password@localhost",
        "postgres://{user}:{password}@{host}/name",
        "AKIAIOSFODNN7EXAMPLE",
        "-----BEGIN PRIVATE KEY-----",
        f'API_KEY = "{RANDOM[:24]}"  # gridkit: allow-secret',
        'SECRET_KEY = os.environ["DJANGO_SECRET_KEY_OF_SITE_1A"]',
    ],
)
def test_what_only_looks_like_a_secret_is_let_through(text: str) -> None:
    check_leaks({"a.py": text.encode()})


def test_secret_in_a_long_line_is_found_and_its_mark_must_be_near() -> None:
    line = b"x" * 500_000 + b" ghp_" + RANDOM[:36].encode() + b" " * 10_000 + b"gridkit: allow-secret"

    with pytest.raises(PackageRefusedError):
        check_leaks({"a.js": line})
