"""What a key and its secret may be, and how they are brought into one form."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from tests.engine.keys.makings import PEM, PRIVATE, SECRET, key
from trader.core.errors import ConfigError
from trader.engine.keys.key import ED25519, HMAC, checked_api_key, checked_name, checked_secret, public_text
from trader.exchange.binance.trade_client import Credentials


def test_an_hmac_secret_is_one_word() -> None:
    assert checked_secret(f"  {SECRET}\n") == SECRET
    assert key().kind == HMAC


@pytest.mark.parametrize(
    "text", [PEM, PEM.strip(), f"\n{PEM}\n", PEM.replace("\n", "\r\n"), PEM.strip().replace("\n", "\\n")]
)
def test_a_private_key_has_one_form_however_it_was_written(text: str) -> None:
    assert checked_secret(text) == PEM.strip()
    assert key(secret=checked_secret(text)).kind == ED25519


def test_the_one_form_is_what_the_signer_of_the_library_takes() -> None:
    Credentials("a key", private_key=checked_secret(PEM)).check()
    assert len(checked_secret(PEM)) <= 120, "the library takes longer ones for RSA"
    assert "PUBLIC KEY" in public_text(checked_secret(PEM))


@pytest.mark.parametrize("text", ["", "short", "two words", "a\tb-and-more", "schlüssel-1234567890", PEM[:40]])
def test_what_cannot_be_a_secret_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ConfigError, match="allowed:") as caught:
        checked_secret(text)
    assert not text or text not in str(caught.value)


def test_other_private_keys_and_those_with_a_passphrase_are_refused_in_words() -> None:
    form = (Encoding.PEM, PrivateFormat.PKCS8)
    other = generate_private_key(SECP256R1()).private_bytes(*form, NoEncryption()).decode()
    with pytest.raises(ConfigError, match="no Ed25519 key"):
        checked_secret(other)
    locked = PRIVATE.private_bytes(*form, BestAvailableEncryption(b"x")).decode()
    with pytest.raises(ConfigError, match="passphrase of its own"):
        checked_secret(locked)


@pytest.mark.parametrize("name", ["", "../x", "a b", "-x", "x" * 33, "ä"])
def test_a_name_is_plain(name: str) -> None:
    with pytest.raises(ConfigError, match="a key's name"):
        checked_name(name)


def test_an_api_key_is_one_word() -> None:
    assert checked_api_key(" abc-123 ") == "abc-123"
    with pytest.raises(ConfigError, match="the API key"):
        checked_api_key("abc 123")


def test_nothing_that_shows_a_key_shows_its_secret() -> None:
    one = key()
    assert SECRET not in f"{one} {one!r} {one.entry} {[one]}"
    assert one.api_key not in f"{one!r}"
