"""Publishers."""

from __future__ import annotations

from django.db import transaction

from gridkit_django.audit import Target, record
from gridkit_django.marketplace.shelf.database import database
from gridkit_django.marketplace.shelf.names import check_publisher_name, fold
from gridkit_django.models import Publisher


def make_publisher(name: str, display_name: str = "", *, email: str = "") -> Publisher:
    """Make a publisher, who may then have tokens.

    Args:
        name: without the ``@``.
        display_name: for people; the name when empty.
        email: contact.

    Raises:
        NameTakenError: when the name is taken, looks like one that is, or can't be given.
    """
    check_publisher_name(name)
    using = database()
    with transaction.atomic(using):
        made = Publisher.objects.using(using).create(
            name=name, folded=fold(name), display_name=display_name or name, email=email
        )
        record("publisher.create", target=Target.of_row(Publisher, made.pk, name), using=using)
    return made
