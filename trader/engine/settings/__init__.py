"""The settings in their layers: `config.py`, `config.yaml`, `.env`, the environment, options."""

from trader.engine.settings.layers import defaults
from trader.engine.settings.load import Loaded, Override, from_dict, load, remember_secrets
from trader.engine.settings.unbuilt import refuse_unbuilt

__all__ = ["Loaded", "Override", "defaults", "from_dict", "load", "refuse_unbuilt", "remember_secrets"]
