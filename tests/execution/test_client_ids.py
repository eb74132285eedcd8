"""Our ids are told from strangers' and say what an order is for."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trader.core.errors import InvariantError
from trader.execution.client_ids import LONGEST, MOST_ATTEMPTS, MOST_PARTS, MOST_TRADES, ClientId, Purpose, parse

ALLOWED = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")

client_ids = st.builds(
    ClientId,
    st.text("0123456789abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8),
    st.integers(0, MOST_TRADES - 1),
    st.sampled_from(Purpose),
    st.integers(0, MOST_PARTS - 1),
    st.integers(0, MOST_ATTEMPTS - 1),
)


@given(client_ids)
def test_what_is_written_is_read_back(wanted: ClientId) -> None:
    assert parse(wanted.text) == wanted
    assert ALLOWED.fullmatch(wanted.text)


def test_the_longest_id_fits() -> None:
    longest = ClientId("z" * 8, MOST_TRADES - 1, Purpose.TARGET, MOST_PARTS - 1, MOST_ATTEMPTS - 1)

    assert len(longest.text) <= LONGEST


@given(client_ids, client_ids)
def test_different_orders_have_different_ids(one: ClientId, other: ClientId) -> None:
    assert (one.text == other.text) == (one == other)


@pytest.mark.parametrize(
    "stranger",
    ["", "autoclose-1234567890", "adl_autoclose", "x-HNA2TXFJ0123", "web_abc", "td-1-1-e0-0-00", "td-1-1-e0-0", "TD"],
)
def test_a_strangers_id_is_none_of_ours(stranger: str) -> None:
    assert parse(stranger) is None


@given(st.text(max_size=40))
def test_no_text_is_taken_for_ours_unless_it_is(text: str) -> None:
    parsed = parse(text)
    assert parsed is None or parsed.text == text


@given(client_ids, st.integers(0, 35), st.sampled_from("0123456789abcdefghijklmnopqrstuvwxyz"))
def test_a_changed_id_is_hardly_ever_taken_for_ours(wanted: ClientId, at: int, letter: str) -> None:
    text = wanted.text
    changed = text[:at] + letter + text[at + 1 :]
    parsed = parse(changed)
    assert parsed is None or parsed.text == changed


@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        (ClientId("", 1, Purpose.ENTRY), "run"),
        (ClientId("UPPER", 1, Purpose.ENTRY), "run"),
        (ClientId("a", -1, Purpose.ENTRY), "trade"),
        (ClientId("a", 1, Purpose.ENTRY, part=MOST_PARTS), "part"),
        (ClientId("a", 1, Purpose.ENTRY, attempt=MOST_ATTEMPTS), "attempt"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(wanted: ClientId, named: str) -> None:
    with pytest.raises(InvariantError, match=named):
        _ = wanted.text
