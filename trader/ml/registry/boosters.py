"""XGBoost's boosters as files of a version, in its own forms, UBJSON or JSON: they hold numbers and run nothing.

JSON is a third larger, and can be read without XGBoost, whose import costs a process 120 MB and more than a second.
"""

from __future__ import annotations

import xgboost

from trader.core.errors import ModelError
from trader.ml.registry.paths import MODEL_ENDS
from trader.ml.registry.store import Stored


def to_bytes(booster: xgboost.Booster, file: str) -> bytes:
    """Return a booster as the content of `file`, which ends in `.ubj` or `.json`."""
    form = file.rpartition(".")[2]
    if f".{form}" not in MODEL_ENDS:
        raise ModelError(f"file {file!r}: allowed for a booster: names ending in {' '.join(MODEL_ENDS)}")
    return bytes(booster.save_raw(form))


def read_booster(stored: Stored, file: str) -> xgboost.Booster:
    """Return the booster in a file of a version, whose digest is checked; raise `ModelError` where there is none."""
    content = stored.read(file)
    booster = xgboost.Booster()
    try:
        booster.load_model(bytearray(content))
    except (xgboost.core.XGBoostError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"{stored.folder / file} is no booster for XGBoost {xgboost.__version__}: {reason}") from error
    return booster
