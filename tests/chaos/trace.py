"""What happened to one position of a kept run: `python -m tests.chaos.trace FOLDER POSITION`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.executions import Change, changes
from tests.chaos.notes import Asked, read_notes
from trader.execution.client_ids import parse


def main(arguments: Sequence[str]) -> None:
    """Print it, in seconds from the beginning of the notes."""
    folder, position = Path(arguments[0]), int(arguments[1])
    began = 0
    for each in changes(read_notes(folder / "notes.jsonl")):
        began = began or each.at
        names = each.names if isinstance(each, Asked) else (each.name,)
        if any((parts := parse(name)) is not None and parts.trade == position for name in names):
            print(f"{(each.at - began) / 1000:9.3f} {each.at} {_words(each)}")


def _words(each: object) -> str:
    if isinstance(each, Change):
        done = f" {each.execution.quantity} at {each.execution.price}" if each.execution else ""
        by = f" by {each.by}" if each.by else ""
        return f"    {each.symbol} {each.name} {each.kind} left {each.left}{done}{by}"
    if isinstance(each, Asked):
        met = f" ({', '.join(each.faults)})" if each.faults else ""
        return f"{each.method} {each.path} {' '.join(each.names)} -> {each.status} after {each.until - each.at} ms{met}"
    return f"    {each}"


if __name__ == "__main__":
    main(sys.argv[1:])
