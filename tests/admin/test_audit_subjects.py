"""A person in the audit trail: found, looked at, and erased, in the admin."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from gridkit_django.admin import audit_subject_report, audit_subjects
from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.privacy.subject_keys import subject_keys
from gridkit_django.audit.retention import HoldScope, place_hold
from gridkit_django.audit.sealing import seal_all
from gridkit_django.models import AuditRecord, AuditSubjectKey
from tests.shop.models import Product

pytestmark = pytest.mark.django_db

KEYS = "/admin/gridkit_django/auditsubjectkey/"


@pytest.fixture
def product() -> Iterator[Product]:
    """A row with an encrypted name, the subject of its own values."""
    audit_policies().set("tests", [AuditPolicy(model_label="shop.product", encrypt=frozenset({"name"}))])
    yield Product.objects.create(sku="S1", name="Ada", price=Decimal(1))
    audit_policies().drop("tests")
    subject_keys().forget()


def page(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(KEYS + address)
    assert answer.status_code == status
    return answer.content.decode()


def question(product: Product) -> str:
    return f"?type=shop.product&id={product.pk}"


def erase(client: Client, product: Product, **told: str) -> str:
    given = {"reason": "letter 7", "confirm": f"shop.product {product.pk}", **told}
    return client.post(f"{KEYS}erase/{question(product)}", given, follow=True).content.decode()


def test_person_page_shows_what_is_encrypted_about_somebody(admin: Client, product: Product) -> None:
    product.name = "Eve"
    product.save()
    text = page(admin, f"person/{question(product)}")
    assert str(AuditSubjectKey.objects.get().pk) in text
    assert 'class="gridkit-number">2</td>' in text
    assert "Erase…" in text
    assert "Say whom" in page(admin, "person/")
    assert "nothing about them is encrypted" in page(admin, "person/?type=shop.product&id=999999")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("?type=shop.nothing&id=1", "There is no model shop.nothing"),
        ("?type=shop.product&id=x", "No row of shop.product can have the key"),
        ("?type=shop.product.nothing&id=1", "has no field nothing"),
        ("?type=shop.product&id=", "Say whom: the key of a row"),
        ("?type=shop.product&q=word", "Give the key."),
        ("?type=auth.user&q=nobody-like-this", "Nobody was found"),
    ],
)
def test_person_who_can_not_be_meant_is_said(admin: Client, asked: str, told: str) -> None:
    assert told in page(admin, f"person/{asked}")


def test_person_is_found_by_a_word_as_the_admin_of_the_model_finds_them(
    admin: Client, staff: Callable[..., Client]
) -> None:
    for number in range(21):
        User.objects.create_user(f"lovelace{number}")
    assert f"id={User.objects.get(username='lovelace20').pk}" in page(admin, "person/?type=auth.User&q=lovelace20")
    assert "There are more" in page(admin, "person/?type=auth.user&q=lovelace")
    client = staff("view_auditrecord")
    refused = page(client, "person/?type=auth.user&q=lovelace20")
    assert ("lovelace20</a>" in refused, "Give the key." in refused) == (False, True)


def test_erasing_takes_the_words_and_a_reason_and_says_what_still_stands(admin: Client, product: Product) -> None:
    seal_all()
    assert "Destroy the keys" in page(admin, f"erase/{question(product)}")
    for wrong in ({"confirm": "shop.product"}, {"reason": ""}):
        assert "Nothing was destroyed." in erase(admin, product, **wrong)
    assert AuditSubjectKey.objects.get().wrapped is not None

    text = erase(admin, product)

    key = AuditSubjectKey.objects.get()
    assert key.wrapped is None
    assert "verifies" in text
    assert "1 seal over these records" in text
    told = AuditRecord.objects.get(action="audit.erase")
    assert (told.target_id, told.actor_label, told.operation.reason) == (str(key.pk), "root", "letter 7")
    assert "There is no key to destroy." in page(admin, f"erase/{question(product)}")
    assert "there was nothing to destroy" in erase(admin, product)


def test_outcome_of_records_without_a_seal_says_so(admin: Client, product: Product) -> None:
    assert "none of these records has its seal yet" in erase(admin, product)


@pytest.mark.parametrize("act", ["", "x", "00000000-0000-0000-0000-000000000000"])
def test_outcome_of_an_erasure_that_never_was_is_not_there(admin: Client, product: Product, act: str) -> None:
    page(admin, f"erased/{question(product)}&act={act}", status=404)


def test_legal_hold_forbids_erasing(admin: Client, product: Product) -> None:
    place_hold("case 7", "the court", HoldScope(target_type="shop.product"))
    place_hold("case 8", "another", HoldScope(target_type="shop.customer"))
    text = page(admin, f"erase/{question(product)}")
    assert ("case 7" in text, "case 8" in text, "Destroy the keys" in text) == (True, False, False)
    assert "Legal holds forbid it: case 7." in erase(admin, product)
    assert AuditSubjectKey.objects.get().wrapped is not None


def test_erasing_needs_a_right_of_its_own(staff: Callable[..., Client], product: Product) -> None:
    client = staff("view_auditrecord")
    told = page(client, f"person/{question(product)}")
    assert ("Erase…" in told, "What is encrypted" in told, "Report</a>" in told) == (False, False, True)
    page(client, f"erase/{question(product)}", status=403)
    assert client.post(f"{KEYS}erase/{question(product)}").status_code == 403
    page(client, f"erased/{question(product)}", status=403)
    page(client, "", status=403)
    User.objects.get(username="staff").user_permissions.set([Permission.objects.get(codename="erase_subject")])
    assert "Erase…" in page(client, f"person/{question(product)}")
    page(client, "erase/?type=shop.product", status=404)


def test_people_are_for_those_with_a_right_to_the_trail(staff: Callable[..., Client]) -> None:
    page(staff("view_savedview"), "person/", status=403)


def test_list_of_keys_says_which_are_in_use_and_leads_to_people(admin: Client, product: Product) -> None:
    text = page(admin, "")
    assert ("in use" in text, "Find a person" in text) == (True, True)
    erase(admin, product)
    key = str(AuditSubjectKey.objects.get().pk)
    found = [key in page(admin, question) for question in ("?state=ended", "?state=open", f"?q={key}", "?q=nothing")]
    assert found == [True, False, True, False]
    assert key in page(admin, f"{key}/change/")


def test_report_shows_records_and_opens_values_on_post_only(admin: Client, product: Product) -> None:
    address = f"report/{question(product)}&reads=on"
    assert "Report</a>" in page(admin, f"person/{question(product)}")
    text = page(admin, address)
    assert ("encrypted</span>" in text, "Ada</ins>" in text) == (True, False)
    assert "Ada" not in page(admin, f"{address}&clear=on").partition("<table")[2]
    shown = admin.post(f"{KEYS}{address}", {"clear": "on"}).content.decode()
    assert "<ins>Ada</ins>" in shown
    assert AuditRecord.objects.filter(action="audit.decrypt", actor_label="root").count() == 1
    page(admin, "report/?type=shop.product", status=404)


def test_report_is_downloaded_in_pieces(admin: Client, product: Product) -> None:
    answer = admin.post(f"{KEYS}report/{question(product)}", {"format": "csv", "clear": "on"})
    assert "subject-report.csv" in answer["Content-Disposition"]
    assert b",name,,Ada," in b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    told = AuditRecord.objects.get(action="audit.exported")
    assert (told.actor_label, told.target_id) == ("root", str(product.pk))


def test_report_has_pages(admin: Client, product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_subject_report, "PAGE_SIZE", 1)
    product.price = Decimal(2)
    product.save()
    text = page(admin, f"report/{question(product)}")
    older = re.search(r'href="([^"]*before=\d+)" rel="next"', text)
    assert older is not None
    assert "row.create" in page(admin, "report/" + older[1].replace("&amp;", "&"))
    opened = admin.post(f"{KEYS}report/{question(product)}", {"clear": "on"}).content.decode()
    assert 'name="before"' in opened


def test_report_needs_the_right_to_the_trail_and_opened_values_the_right_to_them(
    staff: Callable[..., Client], product: Product
) -> None:
    client = staff("view_auditrecord")
    refused = client.post(f"{KEYS}report/{question(product)}", {"clear": "on"}, follow=True).content.decode()
    assert ("decrypt_audit" in refused, "in the clear" in refused) == (True, False)
    User.objects.get(username="staff").user_permissions.set([Permission.objects.get(codename="erase_subject")])
    page(client, f"report/{question(product)}", status=403)
    assert "nothing of this person" not in page(client, f"person/{question(product)}")


def test_person_has_the_name_that_the_admin_shows_to_the_reader(admin: Client, staff: Callable[..., Client]) -> None:
    user = User.objects.create_user("countess-ada")
    assert "countess-ada" in page(admin, f"report/?type=auth.user&id={user.pk}")
    assert "countess-ada" not in page(staff("view_auditrecord"), f"report/?type=auth.user&id={user.pk}")
    assert "auth.user.username countess-ada" in page(admin, "report/?type=auth.user.username&id=countess-ada")
    assert "auth.user 999999" in page(admin, "report/?type=auth.user&id=999999")


def test_kinds_of_people_that_policies_speak_of_are_offered(admin: Client) -> None:
    policies = [
        AuditPolicy(model_label="shop.order", encrypt=frozenset({"note"}), subject="customer"),
        AuditPolicy(model_label="shop.product", encrypt=frozenset({"name"}), subject="sku"),
    ]
    audit_policies().set("tests", policies)
    try:
        text = page(admin, "person/")
    finally:
        audit_policies().drop("tests")
    kinds = ("shop.customer", "shop.product.sku", "shop.order", "auth.user")
    assert all(f'<option value="{kind}">' in text for kind in kinds)


def test_keys_in_other_databases_are_told(admin: Client, product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_subjects, "sealed_aliases", lambda: ["default", "archive"])
    monkeypatch.setattr(audit_subjects, "keys_of", lambda _subject, alias: [AuditSubjectKey()] if alias else [])
    text = page(admin, f"person/{question(product)}")
    assert "in other databases, too: archive." in text
