"""Presets: ways to trade that are laid over `config.py`, and under everything that a person says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trader.engine.settings.faults import meant, shown
from trader.engine.settings.layers import Assignment, Layer, default_origins, defaults, read_yaml

#: They lie within the package `trader`, wherever a command is started.
PRESETS = Path(__file__).resolve().parents[2] / "presets"

#: The setting that chooses one.
NAME = ("PRESET",)


def preset_names() -> list[str]:
    """Return the presets that there are."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def preset_layer(layers: Sequence[Layer]) -> Layer:
    """Return the preset that the strongest of `layers` (rising) chooses, `config.py` if none does."""
    chosen = [made for layer in layers for made in layer.assignments if made.path == NAME]
    origin = default_origins().get("PRESET", "config.py")
    return read_preset(*(chosen or [Assignment(NAME, defaults().get("PRESET"), origin)])[-1][1:])


def read_preset(name: object, origin: str) -> Layer:
    """Read a preset, asked for at `origin`; one that there is not is a fault of the layer."""
    if not isinstance(name, str):
        return Layer([], [])  # the validation says that it must be text
    if name not in preset_names():
        said = f"PRESET = {shown(NAME, name)} ({origin}): there is no such preset"
        return Layer([], [f"{said}; allowed: {', '.join(preset_names())}{meant(name, preset_names())}"])
    layer = read_yaml(PRESETS / f"{name}.yaml")
    made = [each._replace(origin=f"preset {name}") for each in layer.assignments]
    chooses = [f"preset {name}: a preset chooses no other"] if any(each.path == NAME for each in made) else []
    return Layer(made, layer.faults + chooses)
