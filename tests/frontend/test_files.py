"""The element's files refer to each other by addresses that hold wherever Django serves them from."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage

BUILT = Path(__file__).resolve().parents[2] / "gridkit_django" / "static" / "gridkit"
_IMPORTED = re.compile(r"""(?:from|import)\s*\(?\s*["'](\./[^"']+)["']""")

pytestmark = pytest.mark.browser


class Aggregating(ManifestStaticFilesStorage):
    """Writes hashed names into imports, for sites that keep no others."""

    support_js_module_import_aggregation = True


@pytest.mark.parametrize("kind", [ManifestStaticFilesStorage, Aggregating])
def test_every_import_leads_to_a_file_when_names_are_hashed(
    kind: type[ManifestStaticFilesStorage], tmp_path: Path
) -> None:
    folder = tmp_path / "gridkit"
    folder.mkdir()
    for path in BUILT.glob("gridkit*.js"):
        shutil.copy(path, folder)
    storage = kind(location=tmp_path, base_url="/static/")
    names = [f"gridkit/{path.name}" for path in folder.iterdir()]
    done = list(storage.post_process({name: (storage, name) for name in names}))
    assert [error for *_, error in done if isinstance(error, Exception)] == []

    entry = tmp_path / storage.stored_name("gridkit/gridkit.js")
    seen: set[Path] = set()
    waiting = [entry]
    while waiting:
        path = waiting.pop()
        seen.add(path)
        found = {path.parent / name for name in _IMPORTED.findall(path.read_text())}
        assert [lost for lost in found if not lost.is_file()] == []
        waiting.extend(found - seen)
    assert {re.sub(r"-.*", "", path.name) for path in seen if path != entry} == {"gridkit"}
    assert any("-panels-" in path.name for path in seen)
