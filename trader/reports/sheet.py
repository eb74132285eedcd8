"""One sheet of the workbook: typed columns, a frozen head, written row by row."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties

from trader.core.timeframe import DAY_MS

#: Excel counts days from 1899-12-30; this is 1970-01-01.
EPOCH_DAY = 25_569
#: `_)` leaves a gap at the right, so that a number does not touch the text beside it.
FORMATS = {
    "text": "General",
    "id": "General",
    "count": "#,##0_)",
    "money": "#,##0.00_);[Red]-#,##0.00_)",
    "price": "#,##0.00######_)",
    "quantity": "#,##0.########_)",
    "percent": "0.00%_);[Red]-0.00%_)",
    "fine percent": "0.000%_);[Red]-0.000%_)",
    "ratio": "0.00_);[Red]-0.00_)",
    "time": "yyyy-mm-dd hh:mm:ss_)",
    "duration": "[h]:mm:ss_)",
}
_HEAD_FONT = Font(name="Calibri", bold=True, color="FFFFFF")
_HEAD_FILL = PatternFill("solid", fgColor="33475B")
_BOLD = Font(name="Calibri", bold=True)
_NOTE = Font(name="Calibri", italic=True, color="666666")


class Column(msgspec.Struct, frozen=True):
    """A column: its head, a key of `FORMATS`, its width in characters (0 is as its format needs).

    Above a column with `total` stands the sum of the rows that a filter shows.
    """

    head: str
    kind: str = "text"
    width: int = 0
    total: bool = False


_PLAIN = re.compile(r"[\w .-]{0,200}")
_WIDTHS = {"time": 21, "price": 19, "quantity": 16, "money": 13, "text": 18, "duration": 12}


class Sheet:
    """A write-only sheet. The first row says what it shows, the second holds the heads and stays in view.

    `rows` is how many rows will follow: it must be known where columns have totals.
    """

    def __init__(
        self, book: Workbook, title: str, note: str, columns: Sequence[Column], frozen: int = 0, rows: int = 0
    ) -> None:
        sheet: Any = book.create_sheet(title)
        self.sheet = sheet
        self.rows = 2
        self._columns = columns
        self._last = len(columns)
        for place, column in enumerate(columns, 1):
            width = column.width or max(_WIDTHS.get(column.kind, 11), len(column.head) + 4)
            sheet.column_dimensions[get_column_letter(place)].width = width
        sheet.freeze_panes = f"{get_column_letter(frozen + 1)}3"
        sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
        sheet.append([self._styled(note, _NOTE), *self._totals(rows)])
        sheet.append([self._head(column) for column in columns])
        # One cell a column, written again and again: the sheet copies it out at once.
        self._cells = [self._typed(column.kind) for column in columns]

    def add(self, values: Iterable[Any]) -> None:
        """Write a row; None and what is not finite stay empty, times are ms UTC, text is never a formula."""
        self.sheet.append([_content(*each) for each in zip(self._cells, self._columns, values, strict=True)])
        self.rows += 1

    def add_mixed(self, values: Sequence[tuple[str, Any]], bold: bool = False) -> None:
        """Write a row whose cells have kinds of their own."""
        cells = [self._typed(kind) for kind, _ in values]
        for cell, (kind, value) in zip(cells, values, strict=True):
            fill(cell, kind, value)
            if bold:
                cell.font = _BOLD
        self.sheet.append(cells)
        self.rows += 1

    def filter(self) -> None:
        """Let people filter by every column."""
        self.sheet.auto_filter.ref = f"A2:{get_column_letter(self._last)}{self.rows}"

    def _totals(self, rows: int) -> list[Any]:
        cells = [self._total(column, place, rows) for place, column in enumerate(self._columns[1:], 2)]
        first = next((place for place, cell in enumerate(cells) if cell is not None), 0)
        if first:
            cells[first - 1] = self._styled("rows shown:", _NOTE)
        return cells

    def _total(self, column: Column, place: int, rows: int) -> Any:
        if not column.total or not rows:
            return None
        letter, cell = get_column_letter(place), self._typed(column.kind)
        cell.value, cell.font = f"=SUBTOTAL(109,{letter}3:{letter}{rows + 2})", _NOTE
        return cell

    def _typed(self, kind: str) -> Any:
        cell = WriteOnlyCell(self.sheet)
        cell.number_format = FORMATS[kind]
        return cell

    def _styled(self, text: str, font: Font) -> Any:
        cell = self._typed("text")
        fill(cell, "text", text)
        cell.font = font
        return cell

    def _head(self, column: Column) -> Any:
        cell = self._styled(column.head, _HEAD_FONT)
        cell.fill = _HEAD_FILL
        cell.alignment = (
            Alignment(horizontal="left") if column.kind == "text" else Alignment(horizontal="right", indent=1)
        )
        return cell


def _content(cell: Any, column: Column, value: Any) -> Any:
    # What needs no style goes as it is: openpyxl takes plain values faster than cells.
    if value is None or (type(value) is float and not math.isfinite(value)):
        return None
    if column.kind == "id" or (type(value) is str and _PLAIN.fullmatch(value)):
        return value
    fill(cell, column.kind, value)
    return cell


def fill(cell: Any, kind: str, value: Any) -> None:
    """Put a value of a kind into a cell."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        cell.value = None
    elif kind == "time":
        cell.value = value / DAY_MS + EPOCH_DAY
    elif kind == "duration":
        cell.value = value / DAY_MS
    elif isinstance(value, str):
        cell.value = ILLEGAL_CHARACTERS_RE.sub("?", value)[:32_000]
        cell.data_type = "s"  # what begins with = would be taken for a formula
    else:
        cell.value = value
