"""What a person has changed and the settings say otherwise, at a start that takes up an older pool."""

from __future__ import annotations

import logging

from trader.core.settings import Settings
from trader.trading.book import Book
from trader.trading.changes import fitting_changes, value_of

log = logging.getLogger(__name__)


def settle_changes(book: Book, settings: Settings) -> None:
    """Say which changes stand over `settings`; take those that clash with them out of the books, and say so."""
    book.changed, clashing = fitting_changes(settings, book.changed)
    for name, reason in clashing.items():
        log.warning("%s: a person's change is dropped, it clashes with the settings of this start: %s", name, reason)
    for name, value in book.changed.items():
        own = value_of(settings, name)
        if own != value:
            text = "%s = %s as a person commanded, it stands over %s of the settings; to undo: python start.py unset %s"
            log.warning(text, name, value, own, name)
