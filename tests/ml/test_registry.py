"""Versions appear whole or not at all, are read as they were written, and one of them is current."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from tests.ml.stored import ROWS, SUCCESS, booster, change, description, remove, three_versions
from tests.shared import ROOT
from trader.core.errors import ModelError
from trader.ml.calibration import Lookup
from trader.ml.isotonic import fit_probability
from trader.ml.registry.boosters import read_booster, to_bytes
from trader.ml.registry.store import Registry
from trader.ml.registry.verify import verify


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return a registry with three versions of a model, the second of which is current after the first."""
    return three_versions(tmp_path / "models")


# --- what is written is what is read ----------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["success.ubj", "success.json"])
def test_a_stored_booster_answers_to_the_bit_as_the_trained_one(registry: Registry, file: str) -> None:
    trained = booster(seed=5)
    name, version = registry.add("other", description(), {file: to_bytes(trained, file)})
    read = read_booster(registry.open(name, version), file)
    rows = xgboost.DMatrix(ROWS)
    assert read.predict(rows).tobytes() == trained.predict(rows).tobytes()
    assert read.predict(rows).tobytes() != booster(seed=6).predict(rows).tobytes()


def test_metadata_and_calibration_come_back_to_the_bit(registry: Registry) -> None:
    raw = np.random.default_rng(3).random(500)
    curve = fit_probability(raw, raw > np.random.default_rng(4).random(500))
    told = description(calibration={"success": (curve,)})
    stored = registry.open(*registry.add("pattern", told, {"success.ubj": SUCCESS}))
    assert stored.metadata.description == told
    (back,) = stored.metadata.description.calibration["success"]
    assert Lookup(back)(raw).tobytes() == Lookup(curve)(raw).tobytes()


def test_an_undefined_score_is_stored_as_none(registry: Registry) -> None:
    stored = registry.open(*registry.add("pattern", description(scores={"lift": float("nan")}), {}))
    assert stored.metadata.description.scores == {"lift": None}


def test_the_current_version_is_read_where_none_is_named(registry: Registry) -> None:
    assert registry.open("pattern").metadata.version == "v0002"
    assert registry.open("pattern").read("report.html") == b"<p>1"
    assert registry.open("pattern", "v0003").reference == ("pattern", "v0003")


def test_versions_sort_by_age_and_no_name_is_used_twice(registry: Registry) -> None:
    assert registry.versions("pattern") == ["v0001", "v0002", "v0003"]
    remove(registry, "v0002")
    remove(registry, "v0003")
    registry.folder.joinpath("pattern", "v0010").mkdir()
    assert registry.add("pattern", description(), {}).version == "v0011"
    remove(registry, "v0010")
    remove(registry, "v0011")
    assert registry.rollback("pattern") == ("v0002", "v0001")
    assert registry.add("pattern", description(), {}).version == "v0003"  # v0002 was current once


# --- written whole or not at all --------------------------------------------------------------------------------------


def test_what_a_crash_left_is_no_version_and_goes_with_the_next_one(registry: Registry) -> None:
    left = registry.folder / "pattern" / ".v0004.tmp"
    left.mkdir()
    (left / "success.ubj").write_bytes(SUCCESS[:100])
    assert registry.versions("pattern") == ["v0001", "v0002", "v0003"]
    assert verify(registry).faults == ()
    assert registry.add("pattern", description(), {"success.ubj": SUCCESS}).version == "v0004"
    assert not left.exists()
    assert verify(registry).faults == ()


@pytest.mark.parametrize(
    ("changes", "files", "said"),
    [
        ({"labels": {"horizon": np.float32(1)}}, {}, "allowed: what JSON has"),
        ({"seed": "seven"}, {}, r"Expected `int`, got `str` - at `\$.description.seed`"),
        ({}, {"success.pkl": pickle.dumps(1)}, r"file 'success.pkl': allowed: .* ending in .ubj .json"),
        ({}, {"success.ubj": pickle.dumps(1)}, r"success.ubj begins with b'\\x80.*; allowed: UBJSON or JSON"),
        ({}, {"success.ubj": b""}, "success.ubj is empty; allowed: UBJSON or JSON"),
        ({}, {"../success.ubj": SUCCESS}, "file '../success.ubj': allowed: letters"),
        ({}, {"metadata.json": b"{}"}, r"file 'metadata.json': allowed: .*, not metadata.json"),
    ],
)
def test_what_could_not_be_read_again_is_not_stored(
    registry: Registry, changes: dict[str, Any], files: dict[str, bytes], said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        registry.add("pattern", description(**changes), files)
    assert registry.versions("pattern") == ["v0001", "v0002", "v0003"]
    assert sorted(each.name for each in (registry.folder / "pattern").glob(".v*")) == []


def test_a_registry_that_is_a_file_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "models"
    path.write_text("")
    assert Registry(path).names() == []
    with pytest.raises(ModelError, match=r"models.* cannot be written"):
        Registry(path).add("pattern", description(), {})


ADDS_FOREVER = """
import sys
from pathlib import Path
from trader.ml.registry.metadata import Description, Inputs
from trader.ml.registry.store import Registry
registry = Registry(Path(sys.argv[1]))
told = Description(created=0, inputs=Inputs((), {}, ()), spans=(), data_sha256="", seed=0)
while True:
    reference = registry.add("pattern", told, {f"{part}.ubj": b"{" * 300_000 for part in "abc"})
    registry.promote(*reference, at=0)
"""


def test_a_writer_that_is_killed_leaves_whole_versions_and_a_pointer_to_one(registry: Registry) -> None:
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    writer = subprocess.Popen([sys.executable, "-c", ADDS_FOREVER, registry.folder], env=environ)
    try:
        while len(registry.versions("pattern")) < 6 and writer.poll() is None:
            time.sleep(0.003)
    finally:
        writer.kill()
        writer.wait()
    there = registry.versions("pattern")
    assert len(there) >= 6
    assert registry.current("pattern") in there[-2:]
    assert verify(registry).faults == ()
    assert registry.add("pattern", description(), {}).version == f"v{len(there) + 1:04}"


def test_writers_at_the_same_time_get_versions_of_their_own(registry: Registry) -> None:
    with ThreadPoolExecutor(8) as pool:
        work = [pool.submit(registry.add, "pattern", description(seed=seed), {"s.ubj": SUCCESS}) for seed in range(16)]
        added = [each.result().version for each in work]
    assert sorted(added) == [f"v{number:04}" for number in range(4, 20)]
    assert verify(registry).faults == ()


# --- the pointer ------------------------------------------------------------------------------------------------------


def test_a_rollback_goes_one_step_back_and_again_one_further(registry: Registry) -> None:
    assert registry.promote("pattern", "v0003", at=3) == "v0002"
    assert registry.rollback("pattern") == ("v0003", "v0002")
    assert registry.rollback("pattern") == ("v0002", "v0001")
    assert registry.current("pattern") == "v0001"
    assert [each.version for each in registry.pointer("pattern").rolled_back] == ["v0003", "v0002"]
    with pytest.raises(ModelError, match="has nothing to go back to: one version was promoted"):
        registry.rollback("pattern")
    assert registry.current("pattern") == "v0001"


def test_what_is_current_already_is_not_promoted_again(registry: Registry) -> None:
    assert registry.promote("pattern", "v0002", at=9) == "v0002"
    assert [each.at for each in registry.pointer("pattern").history] == [1, 2]


def test_a_changed_version_is_not_promoted(registry: Registry) -> None:
    change(registry.folder / "pattern" / "v0003" / "success.ubj")
    with pytest.raises(ModelError, match=r"v0003/success.ubj was changed"):
        registry.promote("pattern", "v0003", at=3)
    assert registry.current("pattern") == "v0002"


def test_a_rollback_works_when_the_current_version_is_damaged_and_not_to_a_damaged_one(registry: Registry) -> None:
    registry.promote("pattern", "v0003", at=3)
    change(registry.folder / "pattern" / "v0003" / "metadata.json")
    assert registry.rollback("pattern") == ("v0003", "v0002")
    change(registry.folder / "pattern" / "v0001" / "report.html")
    with pytest.raises(ModelError, match=r"v0001/report.html was changed"):
        registry.rollback("pattern")
    assert registry.current("pattern") == "v0002"


def test_what_is_not_there_is_refused_with_what_is_and_leaves_nothing_behind(registry: Registry) -> None:
    with pytest.raises(ModelError, match="has no version v0009; there are: v0001, v0002, v0003"):
        registry.promote("pattern", "v0009", at=1)
    with pytest.raises(ModelError, match=r"no version of model other .* is promoted; there are these models: pattern"):
        registry.open("other")
    with pytest.raises(ModelError, match="no version of model other"):
        registry.rollback("other")
    with pytest.raises(ModelError, match=r"there are: success.ubj, report.html"):
        registry.open("pattern").read("recogniser.ubj")
    assert registry.names() == ["pattern"]


@pytest.mark.parametrize(
    "content", [b"v0002", b'{"format": 1}', b'{"history": [{"version": "../x", "at": 1}]}', b"\xff"]
)
def test_a_damaged_pointer_is_named_and_verified(registry: Registry, content: bytes) -> None:
    path = registry.folder / "pattern" / "current.json"
    path.write_bytes(content)
    if content == b'{"format": 1}':
        assert registry.current("pattern") is None
        return
    with pytest.raises(ModelError, match=r"current.json is no pointer|version '../x': allowed"):
        registry.open("pattern")
    assert len(verify(registry).faults) == 1
    with pytest.raises(ModelError, match=r"current.json|version '../x'"):
        registry.promote("pattern", "v0003", at=3)
    assert registry.add("pattern", description(), {}).version == "v0004"
    path.unlink()
    assert registry.promote("pattern", "v0003", at=3) is None
