"""What is signed is what is sent: for every name and value, of our making or not."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from trader.exchange.binance.signing import HmacSigner, form

names = st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=8)
values = st.one_of(st.text(max_size=12), st.integers(), st.none())


@given(st.dictionaries(names, values, max_size=6))
def test_a_form_says_what_it_was_made_of_whatever_that_is(params: dict[str, str | int | None]) -> None:
    wanted = {name: str(value) for name, value in params.items() if value is not None}
    assert dict(parse_qsl(form(params), keep_blank_values=True, strict_parsing=bool(wanted))) == wanted
    assert form(params).isascii()


@given(st.dictionaries(names, values, min_size=1, max_size=6))
def test_the_signature_is_that_of_the_text_before_it(params: dict[str, str | int | None]) -> None:
    text, _, signature = HmacSigner("a-secret").signed(params).rpartition("&signature=")
    assert signature == hmac.new(b"a-secret", text.encode(), hashlib.sha256).hexdigest()
