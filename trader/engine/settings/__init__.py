"""The settings in their layers: `config.py`, a preset, `config.yaml`, `.env`, the environment, options."""

from trader.engine.settings.catalogue import Described, Effective, described, differences, effective
from trader.engine.settings.explain import Finding, cannot_act, dead_settings
from trader.engine.settings.layers import defaults
from trader.engine.settings.load import Loaded, Override, from_dict, load, load_preset, remember_secrets
from trader.engine.settings.presets import preset_names

__all__ = [
    "Described",
    "Effective",
    "Finding",
    "Loaded",
    "Override",
    "cannot_act",
    "dead_settings",
    "defaults",
    "described",
    "differences",
    "effective",
    "from_dict",
    "load",
    "load_preset",
    "preset_names",
    "remember_secrets",
]
