"""Accounts in the admin, of whatever user model the project has: searched by its login name, chosen where it allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from gridkit_django.typing import User

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    _Admin = ModelAdmin[Any]
else:
    _Admin = object


def login_name(relation: str) -> str:
    """Return the path to the login name behind a relation to an account, for ``search_fields``.

    Args:
        relation: name of the foreign key, like ``owner``.
    """
    return f"{relation}__{get_user_model().USERNAME_FIELD}"


def person_of(key: Any) -> User | None:
    """Return the account with a key; None for what is no key of one."""
    if not key:
        return None
    people = get_user_model()._default_manager
    try:
        return people.filter(pk=key).first()
    except (TypeError, ValueError, ValidationError):  # a UUIDField refuses a text with the last one
        return None


class ChoosesPeople(_Admin):
    """Lets an account be found by typing where the project's admin can search accounts, and be given by key elsewhere.

    Django refuses ``autocomplete_fields`` (``admin.E039``, ``admin.E040``) where the user model is in no admin, or in
    one without ``search_fields``; a project may well have neither.

    Attributes:
        people_fields: the foreign keys to accounts.
    """

    people_fields: tuple[str, ...] = ()

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        """Add the accounts, when the admin that this one belongs to can search them."""
        own = super().get_autocomplete_fields(request)
        model = get_user_model()
        if not self.admin_site.is_registered(model):
            return list(own)
        searched = self.admin_site.get_model_admin(model).get_search_fields(request)
        return [*own, *self.people_fields] if searched else list(own)
