"""Errors of a plugin's storage that follows another version than the plugin's code."""

from __future__ import annotations

from gridkit_django.exceptions.plugins import PluginError

__all__ = ["StorageMigrationError", "StorageVersionError"]


class StorageVersionError(PluginError):
    """The plugin's storage follows another ``storage_version`` than its code, and can't be made to fit."""

    code = "plugin-storage-version"


class StorageMigrationError(StorageVersionError):
    """``migrate_storage`` failed, or what it made can't be stored; the storage is unchanged."""

    code = "plugin-storage-migration-failed"
