"""Whether code still follows the version of what its plugin stores, or another version of the plugin took its place."""

from __future__ import annotations

from gridkit_django.exceptions import StorageOvertakenError


class Standing:
    """How one object's code stands to the plugin's storage.

    An object that was overtaken serves on until its process follows: it reads what was set aside of its version, its
    writes are refused, and what fails in it counts against nobody.

    Args:
        plugin_id: whose, for the message.
        version: the ``storage_version`` that the code follows; None for code that follows any.

    Attributes:
        is_overtaken: whether the storage followed another version when the code used it last.
    """

    def __init__(self, plugin_id: str, version: int | None) -> None:
        self.plugin_id = plugin_id
        self.version = version
        self.is_overtaken = False

    def look(self, stored: int | None) -> bool:
        """Note whether the storage follows another version than the code; and say so.

        Args:
            stored: the version of what is stored; None when nothing was counted yet.
        """
        self.is_overtaken = stored is not None and self.version is not None and stored != self.version
        return self.is_overtaken

    def check(self, stored: int | None) -> None:
        """Refuse code that was overtaken.

        Args:
            stored: see ``look``.

        Raises:
            StorageOvertakenError: when the storage follows another version.
        """
        if self.look(stored):
            raise StorageOvertakenError(
                f"The storage of {self.plugin_id} follows version {stored}, and this code version {self.version}: "
                "another version of the plugin has taken its place. Restart or update what still runs this one.",
                extra={"plugin": self.plugin_id, "stored": stored, "code": self.version},
            )
