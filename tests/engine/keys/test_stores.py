"""Which store is used, what keyrings do, and how a daemon gets the key that it is told to use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null

from tests.builders import settings
from tests.engine.keys.makings import PASSPHRASE, PEM, SECRET, ForgetfulRing, LockedRing, MemoryRing, file_store, key
from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.engine.keys.passphrase import Passphrase
from trader.engine.keys.ring_store import RingStore, usable_backend
from trader.engine.keys.stores import credentials_of, find, holder_of, stores, unlocked
from trader.engine.redaction import HIDDEN, redactor


@pytest.fixture
def ring() -> Iterator[MemoryRing]:
    """Make a keyring in memory this machine's."""
    before = keyring.get_keyring()
    backend = MemoryRing()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def given(folder: Path, **overrides: object) -> Settings:
    return settings(KEY_FILE=str(folder / "keys.json"), KEYSTORE_PASSPHRASE=PASSPHRASE, **overrides)


def test_a_keyring_keeps_lists_and_forgets_keys() -> None:
    backend = MemoryRing()
    store = RingStore(backend)
    store.put(key("one"))
    store.put(key("two", PEM.strip()))
    assert RingStore(backend).get("two") == key("two", PEM.strip())
    assert [(entry.name, entry.kind) for entry in store.entries()] == [("one", "HMAC"), ("two", "Ed25519")]
    store.remove("one")
    assert store.get("one") is None
    assert [entry.name for entry in store.entries()] == ["two"]
    assert SECRET not in "".join(backend.kept.values())


@pytest.mark.parametrize("backend", [ForgetfulRing(), LockedRing()])
def test_a_keyring_that_does_not_keep_or_does_not_answer_says_so_without_the_secret(backend: KeyringBackend) -> None:
    with pytest.raises(ConfigError, match="KEY_STORE=file") as caught:
        RingStore(backend).put(key())
    assert SECRET not in str(caught.value)


def test_an_entry_that_is_damaged_is_named() -> None:
    backend = MemoryRing()
    RingStore(backend).put(key())
    backend.kept["trader", "key main"] = "{"
    with pytest.raises(ConfigError, match="'main' of 'trader' is damaged"):
        RingStore(backend).get("main")


@pytest.mark.parametrize("backend", [fail.Keyring(), null.Keyring()])  # type: ignore[no-untyped-call]
def test_a_backend_that_keeps_nothing_is_no_keyring(ring: MemoryRing, backend: KeyringBackend, tmp_path: Path) -> None:
    keyring.set_keyring(backend)
    assert usable_backend() is None
    assert [str(store) for store in stores(given(tmp_path))] == [f"the encrypted file {tmp_path / 'keys.json'}"]
    with pytest.raises(ConfigError, match="no keyring that keeps secrets well"):
        stores(given(tmp_path, KEY_STORE="keyring"))


def test_auto_puts_keys_into_the_keyring_and_finds_those_of_the_file(ring: MemoryRing, tmp_path: Path) -> None:
    chosen = given(tmp_path)
    stores(chosen)[0].put(key("ringed"))
    file_store(tmp_path).put(key("filed"))
    assert (find(chosen, "ringed"), find(chosen, "filed")) == (key("ringed"), key("filed"))
    assert not isinstance(stores(given(tmp_path, KEY_STORE="file"))[0], RingStore)


def test_a_name_that_two_stores_have_is_refused(ring: MemoryRing, tmp_path: Path) -> None:
    RingStore(ring).put(key())
    file_store(tmp_path).put(key())
    with pytest.raises(ConfigError, match="say which: KEY_STORE=keyring or file"):
        holder_of(given(tmp_path), "main")
    assert find(given(tmp_path, KEY_STORE="file"), "main") == key()


def test_a_name_that_is_not_there_is_met_with_those_that_are(tmp_path: Path) -> None:
    file_store(tmp_path).put(key())
    with pytest.raises(ConfigError, match=r"no such key; did you mean main\?; stored are: main; .* keys add mian"):
        find(given(tmp_path, KEY_STORE="file"), "mian")


def test_the_named_key_signs_and_is_hidden_from_then_on(tmp_path: Path) -> None:
    file_store(tmp_path).put(key("ed", PEM.strip()))
    opened = unlocked(given(tmp_path, KEY_STORE="file", KEY_NAME="ed"))
    credentials = credentials_of(opened)
    assert (credentials.api_key, credentials.api_secret) == ("api-key-of-ed", "")
    assert credentials.private_key == PEM.strip()
    told = redactor.hide(f"api-key-of-ed {PEM} {PEM.splitlines()[1]} {PEM.strip()!r}")
    assert PEM.splitlines()[1] not in told
    assert told.count(HIDDEN) >= 3
    assert PEM.splitlines()[1] not in f"{opened!r}"


def test_a_pem_in_the_environment_signs_and_an_hmac_secret_stays_one(tmp_path: Path) -> None:
    line = PEM.strip().replace("\n", "\\n")
    one = unlocked(given(tmp_path, BINANCE_API_KEY="a-key-of-tests", BINANCE_API_SECRET=line))
    assert credentials_of(one).private_key == PEM.strip()
    other = unlocked(given(tmp_path, BINANCE_API_KEY="a-key-of-tests", BINANCE_API_SECRET=SECRET))
    assert credentials_of(other).api_secret == SECRET


def test_two_keys_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="are two keys"):
        unlocked(given(tmp_path, KEY_NAME="main", BINANCE_API_KEY="a-key-of-tests"))


# --- the passphrase -------------------------------------------------------------------------------------------------


def test_a_passphrase_comes_from_the_settings_or_from_the_first_line_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_text("from the file\nand more\n")
    assert Passphrase(settings(KEYSTORE_PASSPHRASE="from the settings"))(False) == "from the settings"
    assert Passphrase(settings(KEYSTORE_PASSPHRASE_FILE=str(file)))(True) == "from the file"


def test_a_short_new_passphrase_is_refused_an_old_one_is_not() -> None:
    short = Passphrase(settings(KEYSTORE_PASSPHRASE="short12"))
    assert short(False) == "short12"
    with pytest.raises(ConfigError, match="too short; allowed: 8"):
        short(True)


@pytest.mark.parametrize(
    ("content", "fault"), [(None, "No such file"), ("", "first line is empty"), (b"\xff", "no text")]
)
def test_a_file_without_a_passphrase_is_named(tmp_path: Path, content: str | bytes | None, fault: str) -> None:
    file = tmp_path / "passphrase"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=f"KEYSTORE_PASSPHRASE_FILE .*{fault}"):
        Passphrase(settings(KEYSTORE_PASSPHRASE_FILE=str(file)))(False)
