"""From the upload to the shelf: the gate, the signature, names, checks that hold, review, and what everybody sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from gridkit_django.exceptions import NameTakenError, ReleaseImmutableError, ReleaseStateError
from gridkit_django.marketplace.shelf.checks import CheckedRelease, Verdict
from gridkit_django.marketplace.shelf.names import check_publisher_name, distance, fold
from gridkit_django.marketplace.shelf.review import approve_release, check_again, refuse_release
from gridkit_django.marketplace.shelf.states import ALLOWED, move
from gridkit_django.marketplace.shelf.storing import market_storage
from gridkit_django.marketplace.shelf.tokens import TokenScope, make_token, revoke_token
from gridkit_django.models import AuditRecord, CheckResult, Listing, Release, ReleaseFile, ReleaseState
from gridkit_django.tasks.market import check_release
from tests.marketplace.shelf.goods import API, CALM, Seller, package, release

pytestmark = [pytest.mark.django_db]

Work = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def reviewer(db: None) -> User:
    return User.objects.create_user("rita")


def shelved(seller: Seller, work: Work, reviewer: User, plugin_id: str = "@acme/colours", **manifest: Any) -> Release:
    """Publish a first release and let it pass its review."""
    work(lambda: seller.publish(plugin_id, **manifest))
    return approve_release(release(plugin_id), reviewer, "read it")


def scan_that_breaks(_checked: CheckedRelease) -> NoReturn:
    raise RuntimeError("the scanner is down")


def scan_that_waits(_checked: CheckedRelease) -> NoReturn:
    raise TimeoutError


def scan_that_says_nothing(_checked: CheckedRelease) -> None:
    return None


def scan_that_finds(_checked: CheckedRelease) -> Verdict:
    return Verdict.failed("found something")


@pytest.mark.both_databases
def test_first_release_waits_for_a_person_and_is_public_after_it(
    acme: Seller, work: Work, reviewer: User, anybody: APIClient
) -> None:
    answer = work(acme.publish)
    assert (answer.status_code, answer.json()["state"]) == (202, "checking")
    assert release().state == ReleaseState.QUARANTINED
    assert anybody.get(f"{API}plugins/@acme/colours/").status_code == 404
    assert anybody.get(f"{API}releases/@acme/colours/1.0.0/").status_code == 404
    own = acme.client().get(f"{API}releases/@acme/colours/1.0.0/").json()
    assert {check["result"] for check in own["checks"]} == {"pass"}
    assert own["held_for"] == [
        "the first release of this publisher",
        "signed with a key that is new",
        "asks for new permissions: events:subscribe",
    ]

    approve_release(release(), reviewer, "read it")

    found = anybody.get(f"{API}plugins/@acme/colours/").json()
    assert (found["state"], found["verified"], found["latest"]["version"]) == ("active", True, "1.0.0")
    assert "<script>" not in found["changelog_html"]
    assert "&lt;script&gt;" in found["changelog_html"]
    file = found["versions"][0]
    content = anybody.get(f"/market/{file['url']}")
    assert b"".join(content.streaming_content) == package()[1]
    assert anybody.get(f"/market/{file['url']}.metadata").content.startswith(b"Metadata-Version")
    assert [row.action for row in AuditRecord.objects.filter(action__startswith="release.").order_by("pk")] == [
        "release.upload",
        "release.checking",
        "release.quarantined",
        "release.published",
    ]


def test_second_release_with_nothing_new_needs_no_person(
    acme: Seller, work: Work, reviewer: User, anybody: APIClient
) -> None:
    shelved(acme, work, reviewer)

    work(lambda: acme.publish(version="1.1.0"))

    found = anybody.get(f"{API}plugins/@acme/colours/").json()
    assert [item["version"] for item in found["versions"]] == ["1.1.0", "1.0.0"]
    assert (found["latest"]["version"], found["verified"]) == ("1.1.0", False)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"required_permissions": ["events:subscribe", "storage:use"]}, "asks for new permissions: storage:use"),
        ({}, "signed with a key that is new"),
    ],
)
def test_new_permission_or_new_key_waits_for_a_person(
    acme: Seller, work: Work, reviewer: User, changes: dict[str, Any], reason: str
) -> None:
    shelved(acme, work, reviewer)
    if not changes:
        other = Seller.make("other")
        acme.private, acme.public = other.private, other.public

    work(lambda: acme.publish(version="1.1.0", **changes))

    assert release(version="1.1.0").state == ReleaseState.QUARANTINED
    assert release(version="1.1.0").held_for == [reason]
    assert Listing.objects.get().latest == release()


@pytest.mark.parametrize(
    ("scan", "result"),
    [
        (scan_that_breaks, CheckResult.ERROR),
        (scan_that_waits, CheckResult.ERROR),
        (scan_that_says_nothing, CheckResult.ERROR),
        (scan_that_finds, CheckResult.FAIL),
    ],
)
def test_scanner_that_breaks_hangs_or_finds_something_lets_nothing_through(
    acme: Seller, work: Work, reviewer: User, settings: Any, scan: Any, result: str
) -> None:
    shelved(acme, work, reviewer)
    settings.GRIDKIT = {"MARKET": {"serve": True, "checks": [f"{__name__}.{scan.__name__}"]}}

    work(lambda: acme.publish(version="1.1.0"))

    held = release(version="1.1.0")
    assert held.state == ReleaseState.QUARANTINED
    assert held.checks.get(name__endswith=scan.__name__).result == result
    with pytest.raises(ReleaseStateError, match="could not be made" if result == "error" else "failed"):
        approve_release(held, reviewer, "seems fine")
    if result == CheckResult.ERROR:
        with pytest.raises(ReleaseStateError, match="could not be made"):
            approve_release(held, reviewer, "seems fine", in_spite=True)
    else:
        assert approve_release(held, reviewer, "known", in_spite=True).state == ReleaseState.PUBLISHED


def test_scanner_that_is_not_there_lets_nothing_through(
    acme: Seller, work: Work, reviewer: User, settings: Any
) -> None:
    shelved(acme, work, reviewer)
    settings.GRIDKIT = {"MARKET": {"serve": True, "checks": ["nowhere.scan"]}}
    work(lambda: acme.publish(version="1.1.0"))
    assert release(version="1.1.0").state == ReleaseState.QUARANTINED

    settings.GRIDKIT = {"MARKET": {"serve": True}}
    check_again(release(version="1.1.0"))
    check_release(release(version="1.1.0").pk)
    assert release(version="1.1.0").state == ReleaseState.PUBLISHED


def test_file_that_was_exchanged_in_the_storage_is_held(acme: Seller, work: Work, reviewer: User) -> None:
    shelved(acme, work, reviewer)

    def upload() -> None:
        acme.publish(version="1.1.0")
        name = ReleaseFile.objects.get(release__version="1.1.0").stored_as
        market_storage().delete(name)
        with market_storage().open(name, "wb") as file:
            file.write(package(version="1.1.0", more={"more.py": b""})[1])

    work(upload)

    assert release(version="1.1.0").checks.get(name="signature").result == CheckResult.FAIL
    assert release(version="1.1.0").state == ReleaseState.QUARANTINED


def test_same_file_again_is_no_error_and_another_one_is(acme: Seller, work: Work, reviewer: User) -> None:
    shelved(acme, work, reviewer)
    assert work(acme.publish).status_code == 202
    other = acme.publish(description="Another text.")
    assert (other.status_code, other.json()["code"]) == (409, "market-release-exists")

    refused = acme.publish("@acme/colours", "2.0.0", **CALM)
    assert refused.status_code == 202
    work(lambda: None)
    assert Release.objects.count() == 2


def test_what_a_release_holds_never_changes(acme: Seller, work: Work) -> None:
    work(acme.publish)
    held = release()
    held.digest = "sha256:other"
    with pytest.raises(ReleaseImmutableError):
        held.save()
    with pytest.raises(ReleaseImmutableError):
        held.save(update_fields=["digest"])
    with pytest.raises(ReleaseImmutableError):
        Release.objects.update(signature="")


def test_states_allow_only_what_the_table_says(acme: Seller, work: Work) -> None:
    work(acme.publish)
    row = release()
    for before in ReleaseState:
        for after in set(ReleaseState) - ALLOWED[before]:
            Release.objects.filter(pk=row.pk).update(state=before)
            with pytest.raises(ReleaseStateError):
                move(row, after)
    assert not ALLOWED[ReleaseState.REMOVED]


def test_draft_waits_until_it_is_submitted(acme: Seller, work: Work) -> None:
    answer = work(lambda: acme.client().post(f"{API}releases/", acme.form(*package(), draft="true")))
    assert answer.json()["state"] == "draft"
    assert release().state == ReleaseState.DRAFT

    work(lambda: acme.client().post(f"{API}releases/@acme/colours/1.0.0/submit/", {}, format="json"))
    assert release().state == ReleaseState.QUARANTINED


def test_refused_release_spends_its_version(acme: Seller, work: Work, reviewer: User) -> None:
    work(acme.publish)
    with pytest.raises(ReleaseStateError, match="why"):
        refuse_release(release(), reviewer, " ")
    refuse_release(release(), reviewer, "reads passwords")

    assert acme.client().get(f"{API}releases/@acme/colours/1.0.0/").json()["review_note"] == "reads passwords"
    assert acme.publish().json()["code"] == "market-release-exists"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"signature": "AAAA"}, 422, "signature-invalid"),
        ({"package": "text"}, 422, "body-invalid"),
        ({"more": "1"}, 422, "body-invalid"),
        ({"draft": "perhaps"}, 422, "body-invalid"),
    ],
)
def test_upload_that_is_not_right_is_refused(acme: Seller, change: dict[str, str], status: int, code: str) -> None:
    answer = acme.client().post(f"{API}releases/", {**acme.form(*package()), **change})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Release.objects.exists()


def test_upload_larger_than_the_limit_is_refused_before_it_is_read(acme: Seller, settings: Any) -> None:
    settings.GRIDKIT = {"MARKET": {"serve": True, "package_bytes_max": 1000}}
    form = {**acme.form(*package()), "notes": "n" * 200_000}
    assert acme.client().post(f"{API}releases/", form).status_code == 413


def test_hostile_package_is_refused_with_the_rule(acme: Seller) -> None:
    form = {**acme.form(*package()), "package": acme.form(*package())["package"]}
    form["package"].name = "other-1.0.0-py3-none-any.whl"
    answer = acme.client().post(f"{API}releases/", form)
    assert answer.status_code == 422
    assert answer.json()["code"].startswith("package-")


def test_tokens_open_only_what_they_are_for(acme: Seller, anybody: APIClient) -> None:
    other = Seller.make("umbrella")
    assert anybody.post(f"{API}releases/", acme.form(*package())).status_code == 401
    foreign = other.client().post(f"{API}releases/", acme.form(*package()))
    assert (foreign.status_code, foreign.json()["code"]) == (403, "market-publisher-refused")
    acme.row, acme.token = make_token(acme.publisher, "yank only", scopes=[TokenScope.YANK])
    assert acme.publish().json()["code"] == "market-token-scope"
    acme.row, acme.token = make_token(acme.publisher, "other plugin", plugins=["@acme/other"])
    assert acme.publish().json()["code"] == "market-token-scope"
    acme.row, acme.token = make_token(acme.publisher, "old")
    revoke_token(acme.row)
    assert acme.publish().status_code == 401
    acme.publisher.suspended = True
    acme.publisher.save()
    acme.row, acme.token = make_token(acme.publisher, "new")
    assert acme.publish().json()["code"] == "market-publisher-refused"


def test_names_that_look_like_others_are_refused(acme: Seller, work: Work, reviewer: User) -> None:
    shelved(acme, work, reviewer)
    other = Seller.make("umbrella")
    for slug in ("c0lours", "co1ours", "colors", "col-ours", "colouurs"):
        answer = other.publish(f"@umbrella/{slug}", name="X")
        assert (answer.status_code, answer.json()["code"]) == (409, "market-name-taken"), slug
    assert other.publish("@umbrella/plugins").json()["code"] == "market-name-taken"
    assert work(lambda: other.publish("@umbrella/colours")).status_code == 202


@pytest.mark.parametrize("name", ["acrne", "acm3e", "ac-me", "Acme", "-x"])
def test_publisher_names_that_look_like_others_are_refused(acme: Seller, name: str) -> None:
    with pytest.raises(NameTakenError):
        check_publisher_name(name)


def test_too_many_new_names_a_day_are_refused(acme: Seller, settings: Any, work: Work) -> None:
    settings.GRIDKIT = {"MARKET": {"serve": True, "new_names_per_day": 1}}
    work(acme.publish)
    answer = acme.publish("@acme/second-thing")
    assert (answer.status_code, answer.json()["code"]) == (429, "market-name-limit")


def test_folding_and_distance() -> None:
    assert fold("Col-0urs_1i") == "coloursll"
    assert fold("rnodern") == fold("modem")
    assert [distance("audit", word) for word in ("audit", "audti", "audi", "edit", "colours")] == [0, 1, 1, 2, 3]


def test_nothing_is_there_when_no_marketplace_is_served(settings: Any, anybody: APIClient) -> None:
    settings.GRIDKIT = {}
    for address in ("api/v1/", "api/v1/plugins/", "simple/", "api/v1/changes/"):
        assert anybody.get(f"/market/{address}").status_code == 404
