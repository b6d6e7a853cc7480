"""The suite: a test class that authors derive from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gridkit_django.testing.conformance.door import check_config, check_import, check_manifest
from gridkit_django.testing.conformance.ending import check_destroy, check_reload, check_second_life
from gridkit_django.testing.conformance.grants import check_all_grants, check_no_grants, check_some_grants
from gridkit_django.testing.conformance.subject import Subject
from gridkit_django.testing.conformance.work import check_handlers, check_health, check_limits, check_methods
from gridkit_django.testing.events import EventSender
from gridkit_django.testing.starter import PluginStarter, Source
from gridkit_django.typing import JSONObject


@pytest.mark.django_db(transaction=True)
class PluginConformance:
    """What every plugin must be able to do.

    Derive a test class from it and name the plugin::

        class TestConformance(PluginConformance):
            source = "plugins/delay_alarm"

    Attributes:
        source: a folder (relative ones start at pytest's root folder), ``entry_point:package.module:Class``, a plugin
            id, or a class that derives from ``Plugin``.
        config: a configuration that the plugin starts with; needed where ``Config`` has a field without a default.
        arguments: sample arguments by the name of a method; needed for methods that can't be called without.
        peers: plugins that must be at work before this one, given like ``source``.
    """

    source: ClassVar[Source]
    config: ClassVar[Mapping[str, Any]] = {}
    arguments: ClassVar[Mapping[str, Sequence[JSONObject]]] = {}
    peers: ClassVar[Sequence[Source]] = ()

    @pytest.fixture
    def subject(self, start_plugin: PluginStarter, send_event: EventSender, tmp_path: Path) -> Subject:
        """The plugin under test."""
        folder = tmp_path / "conformance"
        folder.mkdir()
        return Subject(self.source, start_plugin, send_event, folder, self.config, self.arguments, self.peers)

    def test_manifest_is_complete_and_fits_the_code(self, subject: Subject) -> None:
        """See ``check_manifest``."""
        check_manifest(subject)

    def test_import_does_nothing(self, subject: Subject) -> None:
        """See ``check_import``."""
        check_import(subject)

    def test_config_takes_its_defaults_and_refuses_the_unknown(self, subject: Subject) -> None:
        """See ``check_config``."""
        check_config(subject)

    def test_starts_with_all_that_it_asks_for(self, subject: Subject) -> None:
        """See ``check_all_grants``."""
        check_all_grants(subject)

    def test_reaches_nothing_without_permission(self, subject: Subject) -> None:
        """See ``check_no_grants``."""
        check_no_grants(subject)

    def test_lives_with_any_permission_missing(self, subject: Subject) -> None:
        """See ``check_some_grants``."""
        check_some_grants(subject)

    def test_handlers_survive_their_events(self, subject: Subject) -> None:
        """See ``check_handlers``."""
        check_handlers(subject)

    def test_methods_answer_with_json(self, subject: Subject) -> None:
        """See ``check_methods``."""
        check_methods(subject)

    def test_health_check_answers_in_time(self, subject: Subject) -> None:
        """See ``check_health``."""
        check_health(subject)

    def test_stays_within_its_limits(self, subject: Subject) -> None:
        """See ``check_limits``."""
        check_limits(subject)

    def test_leaves_nothing_behind_when_it_ends(self, subject: Subject) -> None:
        """See ``check_destroy``."""
        check_destroy(subject)

    def test_leaves_nothing_behind_over_twenty_reloads(self, subject: Subject) -> None:
        """See ``check_reload``."""
        check_reload(subject)

    def test_starts_again_after_stop_and_safe_mode(self, subject: Subject) -> None:
        """See ``check_second_life``."""
        check_second_life(subject)
