"""How the owner of an export is reached."""

from __future__ import annotations

from typing import Any

from gridkit_django.typing import User


def mail_address(user: User) -> str:
    """Return where mail reaches a user, or an empty text."""
    known: Any = user
    return str(getattr(known, known.get_email_field_name(), "") or "") if user.is_authenticated else ""
