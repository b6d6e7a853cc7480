"""Tags of a table whose rows are drawn: the structure that readers' aids follow (PDF/UA)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pydyf
from weasyprint import Document
from weasyprint.pdf.tags import _build_box_tree

from gridkit_plugins.export.pdf.layout import header_cells
from gridkit_plugins.export.pdf.writing import FileInWriting


class MarkedBoxes(dict[Any, Any]):
    """What WeasyPrint marks on a page that has marks of drawn rows already: its numbers go on after theirs.

    Args:
        start: how many marks the page has.
    """

    def __init__(self, start: int) -> None:
        super().__init__()
        self._start = start

    def __len__(self) -> int:
        """Return the number of the next mark."""
        return super().__len__() + self._start


class TableTags:
    """Builds the structure while pages are written; what is complete leaves memory with its page.

    Args:
        pdf: the file.
        columns: how many columns the table has.
    """

    def __init__(self, pdf: FileInWriting, columns: int) -> None:
        self._pdf = pdf
        self._root = _added(pdf, {"Type": "/StructTreeRoot"})
        self._document = self._element("/Document", self._root)
        self._body = self._element("/TBody", self._document)
        self._cell_looks = [
            pdf.put(pydyf.Dictionary({"O": "/Table", "Headers": pydyf.Array([_header_id(column)])}))
            for column in range(columns)
        ]
        self._pages: dict[int, list[bytes]] = {}
        self._written: dict[int, bytes] = {}

    def row(self, page: int, filled: Sequence[bool]) -> list[int]:
        """Add a row and return the numbers of the marks of its cells.

        Args:
            page: number of the page, from 0.
            filled: which cells have any content; the others have no mark and -1 here.
        """
        marks = self._pages.setdefault(page, [])
        pdf_page = self._page_reference(page)
        row = self._element("/TR", self._body)
        found: list[int] = []
        for has_content, look in zip(filled, self._cell_looks, strict=True):
            cell = pydyf.Dictionary({"Type": "/StructElem", "S": "/TD", "P": row.reference, "A": look})
            if has_content:
                cell |= {"Pg": pdf_page, "K": len(marks)}
            found.append(len(marks) if has_content else -1)
            reference = self._pdf.put(cell)
            row["K"].append(reference)
            if has_content:
                marks.append(reference)
        self._body["K"].append(self._pdf.put(row))
        return found

    def close_page(self, page: int) -> None:
        """Write what is known of a page to which nothing will be added."""
        self._written[page] = self._pdf.put(pydyf.Array(self._pages.pop(page, [])))

    def marked_boxes(self, page: int) -> MarkedBoxes:
        """Return where WeasyPrint notes what it marks on a page."""
        return MarkedBoxes(len(self._pages.get(page, ())))

    def add_laid_out(self, page: int, box: Any, marked: MarkedBoxes) -> None:
        """Add what WeasyPrint laid out on one page.

        Args:
            page: number of the page, from 0.
            box: the page's box, painted.
            marked: what was marked while it was painted.
        """
        marks: dict[int, bytes] = {}
        elements = _build_box_tree(box, self._document, self._pdf, page, marks, [], marked)
        self._document["K"].extend(element.reference for element in elements)
        self._pages.setdefault(page, []).extend(reference for _, reference in sorted(marks.items()))
        self.close_page(page)

    def finish(self, document: Document, table_page: Any) -> None:
        """Join the drawn rows to the table's header and write what the catalog must say.

        Args:
            document: the laid-out opening pages.
            table_page: the page on which the table begins.
        """
        cells = header_cells(table_page)
        for column, cell in enumerate(cells):
            cell.mark["ID"] = _header_id(column)
            cell.mark["A"]["Scope"] = "/Column"
        table = self._owner(self._owner(self._owner(cells[0].mark)))
        table["K"].append(self._body.reference)
        self._body["P"] = table.reference
        numbers = [part for page, reference in sorted(self._written.items()) for part in (page, reference)]
        self._root["ParentTree"] = _added(self._pdf, {"Nums": pydyf.Array(numbers)}).reference
        self._root["K"] = pydyf.Array([self._document.reference])
        self._root["IDTree"] = _id_tree(self._pdf, cells)
        catalog = self._pdf.catalog
        catalog["StructTreeRoot"] = self._root.reference
        catalog["ViewerPreferences"] = pydyf.Dictionary({"DisplayDocTitle": "true"})
        catalog["MarkInfo"] = pydyf.Dictionary({"Marked": "true"})
        document.metadata.include_in_pdf(self._pdf, "ua", 1, conformance=None, compress=False)

    def _element(self, kind: str, owner: pydyf.Dictionary) -> pydyf.Dictionary:
        return _added(self._pdf, {"Type": "/StructElem", "S": kind, "P": owner.reference, "K": pydyf.Array()})

    def _owner(self, element: pydyf.Dictionary) -> pydyf.Dictionary:
        return self._pdf.objects[int(element["P"].split()[0])]

    def _page_reference(self, page: int) -> bytes:
        return f"{self._pdf.pages['Kids'][3 * page]} 0 R".encode()


def _added(pdf: FileInWriting, values: dict[str, Any]) -> pydyf.Dictionary:
    found = pydyf.Dictionary(values)
    pdf.add_object(found)
    return found


def _id_tree(pdf: FileInWriting, cells: Sequence[Any]) -> bytes:
    """Return where elements are found by their id; names of such a tree stand in order."""
    named = sorted((_header_id(column).data, cell.mark.reference) for column, cell in enumerate(cells))
    pairs = [part for pair in named for part in pair]
    reference: bytes = _added(pdf, {"Names": pydyf.Array(pairs)}).reference
    return reference


def _header_id(column: int) -> pydyf.String:
    return pydyf.String(f"column-{column:04}")
