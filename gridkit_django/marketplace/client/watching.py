"""What is told of a refresh of the catalogue while it goes on; this one tells nobody."""

from __future__ import annotations

from gridkit_django.exceptions import MarketplaceError


class RefreshWatch:
    """Told how far a refresh is; made to be inherited from."""

    def begins(self, alias: str, number: int, count: int) -> None:
        """A marketplace is asked.

        Args:
            alias: its name in the settings.
            number: how many were before it.
            count: how many there are.
        """

    def takes(self, taken: int, removed: int, share: float) -> None:
        """A page of its list was taken over.

        Args:
            taken: entries that came or changed.
            removed: entries that went.
            share: how much of the list is done, from 0 to 1.
        """

    def ends(self, left_out: int, error: MarketplaceError | None) -> None:
        """It was followed, or could not be.

        Args:
            left_out: entries that do not fit, of all that it lists.
            error: why it could not be followed.
        """


UNWATCHED = RefreshWatch()
