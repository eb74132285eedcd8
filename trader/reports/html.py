"""Tables of the page; every text in them is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

#: A cell with more characters than this gets room for words.
_LONG_TEXT = 30


def table(heads: Sequence[str], rows: Iterable[str], numbers: range) -> str:
    """Return a table; `numbers` are the places of columns that are numbers."""
    cells = "".join(f"<th{_class(place in numbers)}>{escape(head)}</th>" for place, head in enumerate(heads))
    return f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def row(cells: Sequence[str], numbers: range, kind: str = "") -> str:
    """Return a row of the class `kind`."""
    inner = "".join(f"<td{_class(place in numbers, cell)}>{escape(cell)}</td>" for place, cell in enumerate(cells))
    return f'<tr class="{kind}">{inner}</tr>' if kind else f"<tr>{inner}</tr>"


def _class(number: bool, text: str = "") -> str:
    kind = "number" if number else "words" if len(text) > _LONG_TEXT else ""
    return f' class="{kind}"' if kind else ""
