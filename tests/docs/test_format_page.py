"""The plugin of the page *Write a format of your own*: its files are taken from there, installed, and put to work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from gridkit_django.exceptions import ExportOptionsError, UnknownFormatError
from gridkit_django.exports import create_export, open_result, run_export
from gridkit_django.grids import Grid, grid_registry, open_grid
from gridkit_django.grids.methods import call_method, list_methods
from gridkit_django.models import JobState
from gridkit_django.plugins import PluginManager, plugin_manager
from tests.docs.pages import text_of
from tests.shop.models import Product

pytestmark = [pytest.mark.django_db(transaction=True)]

PAGE = text_of("how-to/write-an-export-format.md")
FILES = dict(re.findall(r"^`(plugins/[\w/.]+)`:\n\n```\w+\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
CODE = "plugins/markdown_tables/plugin.py"
EXPORT = "@gridkit/plugin-export"


class PageGrid(Grid):
    """Products."""

    class Meta:
        model = Product
        id = "page-formats"
        label = "Our <products>"
        columns = ["sku", "name", "price", "released"]
        default_sort = ["sku"]


@pytest.fixture
def manager(tmp_path: Path, settings: Any) -> Iterator[PluginManager]:
    """A manager whose site has the page's plugin in its folder of plugins, and a grid."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    settings.GRIDKIT = {"PLUGIN_ROOT": str(tmp_path / "plugins"), "HOT_RELOAD": False}
    grid_registry().register(PageGrid)
    found = plugin_manager()
    found.stop_all()
    yield found
    found.stop_all()
    grid_registry().unregister("page-formats")


def test_page_in_its_own_words_writes_a_table_through_every_door(manager: PluginManager) -> None:
    root = User.objects.create_superuser("root", password="root-of-all")
    Product.objects.create(sku="A", name="a | b\n=c", category="toy", price=Decimal("1.50"), stock=1)
    with pytest.raises(UnknownFormatError):
        create_export("page-formats", None, "md", root)
    manager.install_plugin("@acme/markdown-tables")

    job = create_export("page-formats", None, "md", root, queue=False)
    run_export(job.pk)
    job.refresh_from_db()
    assert (job.state, job.content_type) == (JobState.FINISHED, "text/markdown; charset=utf-8"), job.error_detail
    with open_result(job.pk, root).file as file:
        assert file.read().decode().splitlines() == [
            "# Our &lt;products>",
            "",
            "| Sku | Name | Price | Released |",
            "| --- | --- | ---: | --- |",
            "| A | a \\| b =c | 1.50 |  |",
        ]
    with pytest.raises(ExportOptionsError):
        create_export("page-formats", None, "md", root, options={"colour": "red"})

    manager.install_plugin(EXPORT, config={"other_formats": ["md"]})
    access = open_grid("page-formats", root)
    (method,) = list_methods(access)
    assert "md" in method.schema["properties"]["format"]["enum"]
    assert call_method(access, "export", {"format": "md", "options": {"title": False}}).status == 202


def test_exporter_of_the_page_has_no_more_than_fifty_lines() -> None:
    code = FILES[CODE]
    assert len(code[code.index("class MarkdownExporter") : code.index("class MarkdownTables")].splitlines()) <= 50
