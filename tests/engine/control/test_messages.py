"""What is said on the socket: whole requests and answers, and nothing else."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trader.core.errors import DataError
from trader.engine.control.messages import (
    VERSION,
    Accepted,
    Close,
    Happened,
    Pause,
    Request,
    Set,
    Wait,
    read_answer,
    read_request,
    write_answer,
    write_request,
)

REQUESTS = st.one_of(*(st.from_type(kind) for kind in get_args(Request)))


@given(REQUESTS)
def test_a_request_is_read_as_it_was_written(request: Request) -> None:
    line = write_request(request)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert read_request(line) == request


@pytest.mark.parametrize("answer", [Accepted(1, "it\npauses", "soon", 5), Happened(2, True, None, ["a", "b"])])
def test_an_answer_is_read_as_it_was_written(answer: Accepted | Happened) -> None:
    assert read_answer(write_answer(answer)) == answer


@given(st.binary(max_size=200))
@example(b"[" * 100_000)
@example(b'{"v":1,"ask":{"do":"pause"}}{')
@example(b'{"v":1,"ask":{"do":"set","changes":{"A":"\xff"}}}')
def test_random_bytes_are_no_request(line: bytes) -> None:
    with pytest.raises(DataError, match="this is no request"):
        read_request(line)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["do", "v", "ask", "x"]), inner),
)


@given(JSON)
def test_other_json_is_no_request(value: object) -> None:
    with pytest.raises(DataError):
        read_request(msgspec.json.encode({"v": VERSION, "ask": value}))


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b'{"v":2,"ask":{"do":"fly"}}', "request of version 2; this program speaks version 1"),
        (b'{"ask":{"do":"pause"}}', "missing required field `v`"),
        (b'{"v":1,"ask":{"do":"fly"}}', "Invalid value 'fly'"),
        (b'{"v":1,"ask":{"do":"close"}}', "missing required field `symbol`"),
        (b'{"v":1,"ask":{"do":"pause","for":5}}', "unknown field `for`"),
        (b'{"v":1,"ask":{"do":"wait","number":"1"}}', "Expected `int`"),
    ],
)
def test_what_is_wrong_with_a_request_is_said(line: bytes, text: str) -> None:
    with pytest.raises(DataError) as error:
        read_request(line)
    assert text in str(error.value)


def test_a_person_can_write_requests_by_hand() -> None:
    assert read_request(b'{"v":1,"ask":{"do":"pause"}}\n') == Pause()
    assert read_request(b'{"ask": {"symbol": "BTCUSDT", "do": "close"}, "v": 1}') == Close("BTCUSDT")
    assert read_request(b'{"v":1,"ask":{"do":"set","changes":{"MIN_STRENGTH":"0.7"}}}') == Set({"MIN_STRENGTH": "0.7"})
    assert read_request(b'{"v":1,"ask":{"do":"wait","number":3}}') == Wait(3)
