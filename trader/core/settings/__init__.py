"""The validated settings, with the names of `config.py`; `trader.engine.settings` reads them from their layers."""

from trader.core.settings.management import CALMEST, WILDEST
from trader.core.settings.model import Market, Settings

__all__ = ["CALMEST", "WILDEST", "Market", "Settings"]
