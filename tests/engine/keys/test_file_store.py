"""The encrypted file: private, atomic, and clear about what is wrong with it."""

from __future__ import annotations

import json
import os
import resource
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.engine.keys.makings import PEM, SECRET, file_store, key
from trader.core.errors import ConfigError, DataError
from trader.engine.keys.file_store import FileStore, _Body, _checksum
from trader.engine.keys.sealed import LEAST_COST

import msgspec  # isort: skip


def test_keys_of_both_kinds_come_back_as_they_were(tmp_path: Path) -> None:
    store = file_store(tmp_path)
    store.put(key("hmac"))
    store.put(key("ed", PEM.strip()))
    again = file_store(tmp_path)
    assert (again.get("hmac"), again.get("ed"), again.get("none")) == (key("hmac"), key("ed", PEM.strip()), None)
    assert [(entry.name, entry.kind) for entry in again.entries()] == [("ed", "Ed25519"), ("hmac", "HMAC")]


def test_the_file_is_its_owners_alone_and_shows_no_secret(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = file_store(tmp_path)
        store.put(key("hmac"))
        store.put(key("ed", PEM.strip()))
    finally:
        os.umask(before)
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    content = store.path.read_text()
    for hidden in (SECRET, "api-key-of-hmac", *PEM.splitlines()):
        assert hidden not in content


def test_names_are_listed_without_a_passphrase(tmp_path: Path) -> None:
    file_store(tmp_path).put(key())

    def nobody(new: bool) -> str:
        raise AssertionError("nobody is asked")

    asking_nobody = FileStore(tmp_path / "keys.json", nobody, LEAST_COST)
    assert [entry.name for entry in asking_nobody.entries()] == ["main"]
    assert asking_nobody.get("another") is None


def test_a_new_passphrase_is_asked_for_once_the_old_one_from_then_on(tmp_path: Path) -> None:
    asked: list[bool] = []

    def answer(new: bool) -> str:
        asked.append(new)
        return "one and the same"

    store = FileStore(tmp_path / "keys.json", answer, LEAST_COST)
    store.put(key("one"))
    store.put(key("two"))
    store.get("one")
    store.remove("one")
    assert asked == [True, False, False, False]
    assert [entry.name for entry in store.entries()] == ["two"]


def test_a_wrong_passphrase_changes_nothing(tmp_path: Path) -> None:
    file_store(tmp_path).put(key())
    before = (tmp_path / "keys.json").read_bytes()
    wrong = file_store(tmp_path, "another passphrase")
    for attempt in (lambda: wrong.get("main"), lambda: wrong.put(key("two")), lambda: wrong.remove("main")):
        with pytest.raises(ConfigError, match="the passphrase does not open"):
            attempt()
    assert (tmp_path / "keys.json").read_bytes() == before


@pytest.mark.parametrize("at", range(0, 700, 37))
def test_a_damaged_file_is_called_that_and_left_as_it_is(tmp_path: Path, at: int) -> None:
    store = file_store(tmp_path)
    store.put(key())
    content = bytearray(store.path.read_bytes())
    at %= len(content)
    content[at] = content[at] ^ 0x01
    store.path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"is damaged .*nothing was changed"):
        store.put(key("two"))
    assert store.path.read_bytes() == bytes(content)


@pytest.mark.parametrize("content", [b"", b"{}", b"no json", b'{"body": 1, "checksum": ""}'])
def test_what_is_no_file_of_keys_is_not_written_over(tmp_path: Path, content: bytes) -> None:
    store = file_store(tmp_path)
    store.path.write_bytes(content)
    with pytest.raises(ConfigError, match="is damaged"):
        store.put(key())
    assert store.path.read_bytes() == content


def altered(path: Path, **changes: Any) -> None:
    """Change the file as somebody would who knows its form: the checksum fits."""
    file = json.loads(path.read_text())
    for name, value in changes.items():
        if name in file["body"]["box"]:
            file["body"]["box"][name] = value
        else:
            file["body"][name] = value
    file["checksum"] = _checksum(msgspec.convert(file["body"], _Body))
    path.write_text(json.dumps(file))


@pytest.mark.parametrize("cost", [2, LEAST_COST + 1, 2**30])
def test_a_cost_that_would_be_weak_or_take_all_memory_is_not_believed(tmp_path: Path, cost: int) -> None:
    store = file_store(tmp_path)
    store.put(key())
    altered(store.path, cost=cost)
    with pytest.raises(ConfigError, match="scrypt cost"):
        store.get("main")


def test_a_list_of_names_that_somebody_changed_is_noticed(tmp_path: Path) -> None:
    store = file_store(tmp_path)
    store.put(key())
    altered(store.path, entries=[{"name": "mine", "kind": "HMAC", "added": "2026-01-05"}])
    with pytest.raises(ConfigError, match="its list of names"):
        store.get("mine")


def test_a_file_of_another_version_says_so(tmp_path: Path) -> None:
    store = file_store(tmp_path)
    store.put(key())
    altered(store.path, version=2)
    with pytest.raises(ConfigError, match="version 2, this program reads 1"):
        store.entries()


def test_a_disk_that_is_full_leaves_the_old_file(tmp_path: Path) -> None:
    store = file_store(tmp_path)
    store.put(key())
    before, (_, most) = store.path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, most))
    try:
        with pytest.raises(DataError, match="cannot be written"):
            store.put(key("two"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert store.path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.name != ".lock"] == ["keys.json"]
