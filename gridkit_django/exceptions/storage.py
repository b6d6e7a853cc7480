"""Errors of a plugin's storage that follows another version than the plugin's code."""

from __future__ import annotations

from gridkit_django.exceptions.plugins import PluginError

__all__ = ["StorageCopyNotFoundError", "StorageMigrationError", "StorageOvertakenError", "StorageVersionError"]


class StorageVersionError(PluginError):
    """The plugin's storage follows another ``storage_version`` than its code, and can't be made to fit."""

    code = "plugin-storage-version"


class StorageCopyNotFoundError(StorageVersionError):
    """Nothing is set aside of this version of a plugin's storage."""

    code = "plugin-storage-copy-unknown"


class StorageOvertakenError(StorageVersionError):
    """Another version of the plugin has migrated the storage, and an object of the version before used it.

    The object serves on only until its process follows; what fails in it meanwhile counts against no version.
    """

    code = "plugin-storage-overtaken"


class StorageMigrationError(StorageVersionError):
    """``migrate_storage`` failed, or what it made can't be stored; the storage is unchanged."""

    code = "plugin-storage-migration-failed"
