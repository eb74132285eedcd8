"""Secrets are hidden in every form in which text may carry them."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trader.engine.redaction import HIDDEN, Redactor, hide_tokens

SECRETS = ["k\"ey/with+every=thing\\in'it", "plain-planted-key", "schlüssel & mehr"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "written",
    [
        lambda secret: secret,
        lambda secret: quote(secret, safe=""),
        lambda secret: quote(secret, safe="").replace("%2B", "%2b").replace("%3D", "%3d"),
        lambda secret: urlencode({"signature": secret}),
        lambda secret: json.dumps({"apiKey": secret}),
        lambda secret: json.dumps({"apiKey": secret}, ensure_ascii=False),
        lambda secret: repr(ValueError(secret)),
        lambda secret: f"{{'key': {secret!r}}}",
    ],
)
def test_every_written_form_is_hidden(secret: str, written: object) -> None:
    redactor = Redactor()
    redactor.remember(secret)
    text = written(secret)  # type: ignore[operator]
    assert HIDDEN in redactor.hide(f"before {text} after")
    for form in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1]):
        assert form not in redactor.hide(text)


@given(st.lists(st.text(min_size=6).filter(lambda text: len(text.strip()) >= 6 and text.strip() not in HIDDEN)))
def test_no_secret_remains_whatever_it_is(secrets: list[str]) -> None:
    redactor = Redactor()
    for secret in secrets:
        redactor.remember(secret)
    hidden = redactor.hide(" | ".join(secrets))
    assert all(secret.strip() not in hidden.replace(HIDDEN, "") for secret in secrets)


def test_a_secret_that_holds_another_is_hidden_whole() -> None:
    redactor = Redactor()
    redactor.remember("abcdef")
    redactor.remember("abcdef-ghijkl")
    assert redactor.hide("abcdef-ghijkl abcdef") == f"{HIDDEN} {HIDDEN}"


def test_each_line_of_a_private_key_is_hidden() -> None:
    redactor = Redactor()
    redactor.remember("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIE\n-----END PRIVATE KEY-----\n")
    assert redactor.hide("read: MC4CAQAwBQYDK2VwBCIE") == f"read: {HIDDEN}"


def test_credentials_in_urls_are_hidden() -> None:
    assert Redactor().hide("GET https://me:pass@host.test/x") == f"GET https://{HIDDEN}@host.test/x"


def test_short_words_stay_readable() -> None:
    redactor = Redactor()
    redactor.remember("")
    redactor.remember("at")
    assert redactor.hide("what is at stake") == "what is at stake"


def test_a_token_is_hidden_and_words_are_not() -> None:
    assert hide_tokens(f"ascending_triangle {'a1B2' * 8}") == f"ascending_triangle {HIDDEN}"
