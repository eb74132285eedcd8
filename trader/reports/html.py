"""Pages that open offline, with every byte of what they need inside, and their tables; every text is escaped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from plotly.offline import get_plotlyjs

_HERE = Path(__file__).parent
#: The browser may load nothing at all: what the page needs is in it.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; form-action 'none'"
)
#: A cell with more characters than this gets room for words.
_LONG_TEXT = 30


def document(title: str, body: str, data: Any, script: Path) -> str:
    """Return a page: `body` is HTML, `data` what `script` draws with plotly."""
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>\n{_text(_HERE / 'page.css')}</style>\n</head>\n<body>\n{body}\n"
        f'<script type="application/json" id="data">{_json(data)}</script>\n'
        f"<script>{get_plotlyjs()}</script>\n<script>\n{_text(script)}</script>\n</body>\n</html>\n"
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _json(data: Any) -> str:
    """Return JSON that can end no script element and start no comment, whatever the names in it are."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


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
