"""Lays the layers over each other and validates the result, all faults at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.engine.redaction import redactor
from trader.engine.settings.faults import SECRETS, Explainer, shown
from trader.engine.settings.layers import (
    Assignment,
    Layer,
    defaults,
    read_dotenv,
    read_environment,
    read_mapping,
    read_options,
    read_yaml,
)
from trader.engine.settings.presets import preset_layer

NOTHING: Mapping[str, str] = MappingProxyType({})

#: The setting that says what runs, and the value that brings hedging with it.
DATA_SOURCE, BACKTEST_HEDGING = ("DATA_SOURCE",), "backtest_hedging"


class Override(NamedTuple):
    """A setting that is not `config.py`'s: its name, its value as text (never a secret), where it was given."""

    name: str
    value_text: str
    origin: str


class Loaded(NamedTuple):
    """The settings in force, and what overrides `config.py`."""

    settings: Settings
    overrides: list[Override]


def load(
    options: Mapping[str, str] = NOTHING,
    *,
    origins: Mapping[str, str] = NOTHING,
    root: Path | None = None,
    environ: Mapping[str, str] | None = None,
    config_file: Path | None = None,
) -> Loaded:
    """Read every layer: `config.py`, a preset, `config.yaml` and `.env` in `root`, the environment, `options`.

    `options`: setting (`NAME`, `NAME.KEY`) to text; `origins` names the option of those not from `--set`.
    `root` is the working directory unless given, `config_file` replaces its `config.yaml`.
    Raise `ConfigError` with every fault of every layer.
    """
    below = _files_and_environment(root or Path.cwd(), environ, config_file)
    return _validated([*below, read_options(options, origins)])


def load_preset(name: str, origin: str = "given") -> Loaded:
    """Return `config.py` with a preset over it and nothing else; raise `ConfigError` for one that there is not."""
    return _validated([read_options({"PRESET": name}, {"PRESET": origin})])


def remember_secrets(root: Path | None = None, environ: Mapping[str, str] | None = None) -> None:
    """Hide the keys that files and environment have from now on, whatever else they say."""
    for layer in _files_and_environment(root or Path.cwd(), environ):
        _remember(layer.assignments)


def from_dict(overrides: Mapping[str, Any]) -> Settings:
    """Return the settings of `config.py` with plain data over them: nested tables merge, lists are replaced."""
    return _validated([read_mapping(overrides)]).settings


def _files_and_environment(
    root: Path, environ: Mapping[str, str] | None, config_file: Path | None = None
) -> list[Layer]:
    return [
        read_yaml(config_file or root / "config.yaml", required=config_file is not None),
        read_dotenv(root / ".env"),
        read_environment(os.environ if environ is None else environ),
    ]


def _validated(layers: Sequence[Layer]) -> Loaded:
    """Lay `layers`, rising, over the preset that they choose, and validate that by itself and all together."""
    preset = preset_layer(layers)
    rising = _with_hedging([preset, *layers])
    assignments = [made for layer in rising for made in layer.assignments]
    faults = [*(fault for layer in rising for fault in layer.faults), *_misplaced(assignments)]
    _remember(assignments)
    settings, found = _settings(assignments)
    faults += [*_settings(preset.assignments)[1], *found] if preset.assignments else found
    if faults or settings is None:
        raise ConfigError(list(dict.fromkeys(faults)))
    return Loaded(settings, [_override(made) for made in _last(assignments)])


def _settings(assignments: Sequence[Assignment]) -> tuple[Settings | None, list[str]]:
    """Return the settings of `config.py` with `assignments` over them, or what is wrong with them."""
    try:
        return Settings.model_validate(_merge(assignments)), []
    except ValidationError as error:
        return None, Explainer(assignments).sentences(error)


def _with_hedging(layers: Sequence[Layer]) -> list[Layer]:
    """Turn hedging on where `DATA_SOURCE` asks for it: as strong as the layer that does, but for its own words."""
    asking = [index for index, layer in enumerate(layers) for made in layer.assignments if made.path == DATA_SOURCE]
    asked = [made.value for layer in layers for made in layer.assignments if made.path == DATA_SOURCE]
    if (asked or [defaults()["DATA_SOURCE"]])[-1] != BACKTEST_HEDGING:
        return list(layers)
    on = Assignment(("HEDGING", "enable"), True, f"DATA_SOURCE = {BACKTEST_HEDGING}")
    at = asking[-1] if asking else 0
    return [*layers[:at], Layer([on], []), *layers[at:]]


def _override(made: Assignment) -> Override:
    return Override(".".join(made.path), shown(made.path, made.value), made.origin)


class _Layers(BaseSettings):
    """Every layer over the one below: tables merge key by key, everything else is replaced."""

    model_config = SettingsConfigDict(extra="allow")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take the layers given as `layers`, rising, in place of the library's own, which tell no origins."""
        rising = init_settings()["layers"]
        return tuple(InitSettingsSource(settings_cls, layer) for layer in reversed(rising))


def _merge(assignments: Sequence[Assignment]) -> dict[str, Any]:
    rising = [defaults(), *map(_nested, assignments)]
    return _Layers(layers=rising).model_extra or {}  # type: ignore[call-arg]


def _nested(made: Assignment) -> dict[str, Any]:
    value = made.value
    for name in reversed(made.path):
        value = {name: value}
    return dict(value)


def _last(assignments: Sequence[Assignment]) -> list[Assignment]:
    """Return the assignments that no later one replaces."""
    standing: dict[tuple[str, ...], Assignment] = {}
    for made in assignments:
        if made.value == {}:
            continue
        replaced = [path for path in standing if path[: len(made.path)] == made.path]
        for path in replaced:
            del standing[path]
        standing[made.path] = made
    return list(standing.values())


def _misplaced(assignments: Sequence[Assignment]) -> Iterator[str]:
    """Yield a fault for each key within a setting that a weaker layer has made a single value."""
    whole: dict[tuple[str, ...], Assignment] = {}
    for made in assignments:
        holders = [whole[made.path[:size]] for size in range(1, len(made.path)) if made.path[:size] in whole]
        for holder in holders:
            single = f"{'.'.join(holder.path)} = {shown(holder.path, holder.value)} ({holder.origin})"
            yield f"{'.'.join(made.path)} ({made.origin}): there is no table to put it in: {single}"
        if not isinstance(made.value, Mapping):
            whole[made.path] = made


def _remember(assignments: Sequence[Assignment]) -> None:
    """Hide every secret that was given, also one that another replaces or that has the wrong type."""
    given = [made.value for made in assignments if made.path[0] in SECRETS]
    for value in [*given, *(defaults()[name] for name in SECRETS)]:
        for part in value if isinstance(value, list) else [value]:
            redactor.remember(str(part))
