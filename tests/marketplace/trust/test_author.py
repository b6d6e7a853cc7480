"""The author's signature: of one release, by one key."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gridkit_django.exceptions import SignatureError
from gridkit_django.marketplace.trust import (
    author_key_id,
    make_author_key,
    public_key_of,
    sign_release,
    verify_release,
)

RELEASE = ("@acme/colours", "1.0.0", "sha256:" + "ab" * 32)


def test_signature_of_a_release_is_believed_for_this_release() -> None:
    private, public = make_author_key()

    signature = sign_release(private, *RELEASE)
    verify_release(public, *RELEASE, signature)
    assert public_key_of(private) == public
    assert author_key_id(public).startswith("ed25519:")


@pytest.mark.parametrize(
    "other",
    [
        ("@acme/colours2", *RELEASE[1:]),
        (RELEASE[0], "1.0.1", RELEASE[2]),
        (*RELEASE[:2], "sha256:" + "ac" * 32),
    ],
)
def test_signature_of_another_release_is_refused(other: tuple[str, str, str]) -> None:
    private, public = make_author_key()

    with pytest.raises(SignatureError, match="is not signed by the key ed25519:"):
        verify_release(public, *other, sign_release(private, *RELEASE))


def test_signature_of_another_key_is_refused() -> None:
    with pytest.raises(SignatureError, match="is not signed by the key"):
        verify_release(make_author_key()[1], *RELEASE, sign_release(make_author_key()[0], *RELEASE))


@pytest.mark.parametrize("broken", ["", "no base64!", base64.b64encode(b"short").decode()])
def test_broken_keys_and_signatures_are_refused(broken: str) -> None:
    private, public = make_author_key()

    with pytest.raises(SignatureError, match="signature"):
        verify_release(public, *RELEASE, broken)
    with pytest.raises(SignatureError, match="public key"):
        verify_release(broken, *RELEASE, sign_release(private, *RELEASE))
    with pytest.raises(SignatureError, match="private key can't be read"):
        sign_release(broken.encode(), *RELEASE)


def test_key_of_another_kind_is_refused() -> None:
    key = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    with pytest.raises(SignatureError, match="Ed25519"):
        sign_release(key, *RELEASE)


@pytest.mark.parametrize("digest", ["", "md5:00", "sha256:" + "AB" * 32, "sha256:" + "ab" * 32 + "\n"])
def test_text_that_is_no_digest_is_not_signed(digest: str) -> None:
    with pytest.raises(SignatureError, match="no digest"):
        sign_release(make_author_key()[0], "@acme/colours", "1.0.0", digest)
