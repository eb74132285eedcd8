"""What was changed is found and named, other inputs are refused in words, and nothing that is read can run."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.ml.stored import INPUTS, SUCCESS, booster, change, description, remove, three_versions
from trader.core.errors import ModelError
from trader.ml.registry.boosters import read_booster, to_bytes
from trader.ml.registry.metadata import check_inputs, differences
from trader.ml.registry.paths import checked_file, parse
from trader.ml.registry.store import Registry
from trader.ml.registry.verify import verify


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return a registry with three versions of a model, the second of which is current after the first."""
    return three_versions(tmp_path / "models")


# --- what was changed is found ----------------------------------------------------------------------------------------


def test_a_sound_registry_has_no_faults(registry: Registry) -> None:
    found = verify(registry)
    assert (found.versions, found.files, found.faults) == (3, 9, ())


@pytest.mark.parametrize("file", ["success.ubj", "report.html", "metadata.json"])
def test_a_changed_byte_of_any_file_is_found_and_named(registry: Registry, file: str) -> None:
    path = registry.folder / "pattern" / "v0002" / file
    change(path)
    (fault,) = verify(registry, "pattern").faults
    assert fault.startswith(f"{path}")


@pytest.mark.parametrize("file", ["success.ubj", "report.html", "metadata.json"])
def test_a_missing_file_is_found_and_named(registry: Registry, file: str) -> None:
    path = registry.folder / "pattern" / "v0002" / file
    path.unlink()
    assert verify(registry).faults == (f"{path} is missing",)


def test_every_byte_of_the_metadata_counts(registry: Registry) -> None:
    path = registry.folder / "pattern" / "v0003" / "metadata.json"
    sound = path.read_bytes()
    for at in range(0, len(sound), 7):
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
        assert len(verify(registry).faults) == 1, sound[at - 20 : at + 20]
    path.write_bytes(sound)
    assert verify(registry).faults == ()


def test_a_current_version_that_is_missing_is_found(registry: Registry) -> None:
    remove(registry, "v0002")
    remove(registry, "v0001")
    home = registry.folder / "pattern"
    assert verify(registry).faults == (
        f"{home / 'v0002'} is current and is missing",
        f"{home / 'v0001'} was current, for a rollback, and is missing",
    )


def test_a_version_in_the_place_of_another_is_found(registry: Registry) -> None:
    home = registry.folder / "pattern"
    remove(registry, "v0003")
    (home / "v0001").rename(home / "v0003")
    assert "v0003/metadata.json is that of pattern@v0001" in " ".join(verify(registry).faults)


def test_a_model_without_versions_is_a_fault_only_when_it_is_asked_for(registry: Registry) -> None:
    assert verify(registry, "other").faults == (f"model other in {registry.folder} has no version",)
    assert verify(Registry(registry.folder / "none")).faults == ()


# --- nothing that is read can run, and other formats are refused ------------------------------------------------------


class Trap:
    """Writes a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_a_pickle_in_the_place_of_a_model_is_never_run(registry: Registry, tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    trap = pickle.dumps(Trap(sprung))
    with pytest.raises(ModelError, match="allowed: UBJSON or JSON"):
        registry.add("pattern", description(), {"success.ubj": trap})
    home = registry.folder / "pattern" / "v0002"
    (home / "success.ubj").write_bytes(trap)
    (home / "metadata.json").write_bytes(trap)
    with pytest.raises(ModelError, match=r"metadata.json is no metadata of a model"):
        registry.open("pattern")
    assert verify(registry).faults
    assert not sprung.exists()
    pickle.loads(trap)
    assert sprung.exists()  # the trap works


@pytest.mark.parametrize("content", [b"{", b"{}", b'{"learner": 3}', SUCCESS[:300], b"{" + bytes(500)])
def test_what_is_no_booster_is_refused_with_its_file(registry: Registry, content: bytes) -> None:
    stored = registry.open(*registry.add("pattern", description(), {"success.ubj": content}))
    with pytest.raises(ModelError, match=r"v0004/success.ubj is no booster for XGBoost 3"):
        read_booster(stored, "success.ubj")


def test_a_booster_is_stored_in_no_other_form() -> None:
    with pytest.raises(ModelError, match=r"'success.deprecated': allowed for a booster: names ending in .ubj .json"):
        to_bytes(booster(), "success.deprecated")


def rewritten(registry: Registry, **changes: Any) -> Path:
    """Change fields of the current metadata, without its digest, and return its path."""
    path = registry.folder / "pattern" / "v0002" / "metadata.json"
    path.write_bytes(json.dumps(json.loads(path.read_bytes()) | changes).encode())
    return path


def test_another_format_is_refused_with_what_is_allowed(registry: Registry) -> None:
    path = rewritten(registry, format=2)
    with pytest.raises(ModelError) as refused:
        registry.open("pattern")
    assert str(refused.value) == f"{path}: format 2; allowed: 1; use the program that wrote it"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": "one"}, r"metadata.json is no metadata of a model: Expected `int`, got `str` - at `\$.format`"),
        ({"files": []}, r"Expected `object`, got `array` - at `\$.files`"),
        ({"sha256": "0" * 64}, "metadata.json was changed"),
        ({}, "metadata.json was changed"),  # the same values, written otherwise
    ],
)
def test_metadata_that_is_none_is_refused(registry: Registry, changes: dict[str, Any], said: str) -> None:
    rewritten(registry, **changes)
    with pytest.raises(ModelError, match=said):
        registry.open("pattern")


def test_a_calibration_that_falls_is_refused_with_its_file(registry: Registry) -> None:
    path = registry.folder / "pattern" / "v0002" / "metadata.json"
    told = json.loads(path.read_bytes())
    told["description"]["calibration"]["success"][0]["y"] = [0.5, 0.25]
    rewritten(registry, **told)
    with pytest.raises(ModelError, match=r"metadata.json: a calibration curve has 2 x and 2 y; allowed"):
        registry.open("pattern")


@pytest.mark.parametrize(
    "text", ["", "@v0001", "Pattern", "../x", "pattern@", "pattern@1", "pattern@v0001/..", "a@b@c"]
)
def test_a_reference_that_names_no_version_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="allowed"):
        parse(text)


@pytest.mark.parametrize("file", ["a/b.ubj", ".hidden.ubj", "x.joblib", "x", "..", "x.ubj\n"])
def test_a_file_that_a_version_may_not_have_is_refused(file: str) -> None:
    with pytest.raises(ModelError, match="allowed"):
        checked_file(file)


# --- inputs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ({}, []),
        ({"timeframes": ("5min",)}, []),
        ({"names": ("a", "b")}, ["the model needs c, which the program does not have"]),
        ({"names": ("a", "b", "c", "d")}, ["the model does not know d, which the program gives"]),
        ({"names": ("a", "c", "b")}, ["input 2 is b in the model and c in the program, and 1 more stand elsewhere"]),
        (
            {"kernels": {"geometry": "90ab", "indicators": "77aa"}},
            ["indicators compute otherwise: 4f1c in the model, 77aa in the program"],
        ),
        ({"timeframes": ("1min", "4h")}, ["the model was not trained for 4h, only for 1min, 5min"]),
        (
            {"names": ("a", "x", "b"), "kernels": {"indicators": "4f1c", "formulas": "1"}},
            [
                "the model needs c, which the program does not have",
                "the model does not know x, which the program gives",
                "formulas compute otherwise: none in the model, 1 in the program",
                "geometry compute otherwise: 90ab in the model, none in the program",
            ],
        ),
    ],
)
def test_other_inputs_are_refused_with_every_difference(
    registry: Registry, program: dict[str, Any], said: list[str]
) -> None:
    ours = msgspec.structs.replace(INPUTS, **program)
    metadata = registry.open("pattern").metadata
    assert differences(metadata.description.inputs, ours) == said
    if not said:
        check_inputs(metadata, ours)
        return
    with pytest.raises(ModelError) as refused:
        check_inputs(metadata, ours)
    assert str(refused.value).startswith(f"pattern@v0002 cannot be used: {'; '.join(said)}. ")
