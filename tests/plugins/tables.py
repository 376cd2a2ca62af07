"""What a table for notebooks says, read by an XML parser: stricter than any browser."""

from __future__ import annotations

from xml.etree import ElementTree

from assisters_rerank.plugins import RankedTable


def _root(table: RankedTable) -> ElementTree.Element:
    return ElementTree.fromstring(table._repr_html_())


def rows(table: RankedTable) -> list[list[str]]:
    """The words of each cell."""
    return [
        ["".join(cell.itertext()) for cell in row] for row in _root(table).iterfind(".//tbody/tr")
    ]


def marks(table: RankedTable) -> list[str]:
    """What is marked."""
    return ["".join(mark.itertext()) for mark in _root(table).iterfind(".//mark")]


def warning(table: RankedTable) -> str:
    """What is said of a degraded ranking, or nothing."""
    found = _root(table).find(".//p[@class='degraded']")
    return "" if found is None else "".join(found.itertext())
