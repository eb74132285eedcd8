"""How long an order takes from numbers to signed bytes, and its events back: `python -m bench.bench_order_wire`.

Formatting is held against `format(Decimal(repr(x)), "f")`, signing against one bare HMAC of the same text, events
against parsing their JSON with msgspec and looking at nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import random
from collections.abc import Callable
from decimal import Decimal

import msgspec

from bench.measure import in_turn, show
from trader.core.account import OrderUpdate
from trader.core.instrument import Instrument
from trader.core.order import Side
from trader.core.venue import NewOrder, OrderKind
from trader.exchange.binance.endpoints import Endpoints
from trader.exchange.binance.trade_client import Credentials, TradingClient
from trader.exchange.binance.trade_params import order_params
from trader.exchange.binance.user_codec import decode_user
from trader.execution.client_ids import ClientId, Purpose, parse
from trader.execution.governor import WeightGovernor
from trader.execution.states import Order, advance
from trader.execution.wire_numbers import price_text, quantity_text

CALLS = 20_000
SECRET = "a-secret-of-the-bench"
INSTRUMENT = Instrument.from_filters(
    "BTCUSDT", {"tickSize": "0.10", "stepSize": "0.00001", "minQty": "0.00001", "minNotional": "5"}
)
EVENT = msgspec.json.encode(
    {
        **{"e": "executionReport", "E": 1, "s": "BTCUSDT", "c": "td-3f9k-1c-e0-0-x4", "S": "BUY", "o": "MARKET"},
        **{"f": "GTC", "q": "0.02360000", "p": "0.00000000", "P": "0.00000000", "g": -1, "C": "", "x": "TRADE"},
        **{"X": "FILLED", "r": "NONE", "i": 4293153, "l": "0.02360000", "z": "0.02360000", "L": "98500.10000000"},
        **{"n": "0.00002360", "N": "BTC", "T": 1, "t": 77, "w": False, "m": False, "M": True, "O": 1},
        **{"Z": "2324.60236000", "Y": "2324.60236000", "Q": "0.00000000", "W": 1, "V": "NONE"},
    }
)


def each(work: Callable[[], object]) -> Callable[[], object]:
    """Return `CALLS` calls of `work` as one."""

    def many() -> None:
        for _ in range(CALLS):
            work()

    return many


def compare(name: str, reference: str, base: Callable[[], object], work: Callable[[], object]) -> None:
    """Print the time of one call of `work`, and its ratio to `base`."""
    _, (taken, ratio) = in_turn(each(base), each(work))
    show(name, taken / CALLS * 1e6, "µs", ratio, reference)


def bench_numbers() -> None:
    """Print what formatting takes."""
    random.seed(1)
    quantities = [INSTRUMENT.cut_quantity(random.uniform(0.001, 9)) for _ in range(1_000)]
    prices = [INSTRUMENT.tick.floor(random.uniform(1_000, 90_000)) for _ in range(1_000)]
    turn = {"at": 0}

    def following(values: list[float]) -> float:
        turn["at"] = (turn["at"] + 1) % len(values)
        return values[turn["at"]]

    plain = lambda: format(Decimal(repr(following(quantities))), "f")  # noqa: E731
    compare("quantity to text", "Decimal of its repr", plain, lambda: quantity_text(INSTRUMENT, following(quantities)))
    compare("price to text", "Decimal of its repr", plain, lambda: price_text(INSTRUMENT, following(prices)))
    wanted = ClientId("3f9k", 12_345, Purpose.STOP, attempt=2)
    compare("client id to text", "Decimal of its repr", plain, lambda: wanted.text)
    text = wanted.text
    compare("client id from text", "Decimal of its repr", plain, lambda: parse(text))


def bench_events() -> None:
    """Print what an event takes, and what it takes to advance an order by it."""
    bare = msgspec.json.Decoder().decode
    compare("executionReport to words", "bare msgspec", lambda: bare(EVENT), lambda: decode_user(EVENT))
    (update,) = decode_user(EVENT)
    assert isinstance(update, OrderUpdate)
    order = Order(update.client_id, "BTCUSDT", Side.BUY, update.quantity)
    compare("an order advanced", "bare msgspec", lambda: bare(EVENT), lambda: advance(order, update))


async def bench_signing() -> None:
    """Print what building and signing a request takes, from the numbers on."""
    endpoints = Endpoints("spot", "http://127.0.0.1:1", "ws://127.0.0.1:1")
    client = TradingClient(endpoints, WeightGovernor(1_000), Credentials("a-key", SECRET))
    text = signed(client).rpartition("&signature=")[0].encode()
    key = SECRET.encode()
    bare = lambda: hmac.new(key, text, hashlib.sha256).hexdigest()  # noqa: E731
    compare("an order built and signed", "bare HMAC", bare, lambda: signed(client))
    compare("a subscription signed", "bare HMAC", bare, client.signed)
    await client.close_connection()


def signed(client: TradingClient) -> str:
    """Return a request as it goes to the wire, from the numbers on: id, decimals, parameters, signature."""
    client_id = ClientId("3f9k", 12_345, Purpose.ENTRY).text
    quantity = quantity_text(INSTRUMENT, 0.0236)
    params = order_params("spot", NewOrder(client_id, "BTCUSDT", Side.BUY, OrderKind.MARKET, quantity))
    text: str = client._get_request_kwargs("post", True, data=params)["data"]
    return text


def main() -> None:
    """Print the figures."""
    bench_numbers()
    bench_events()
    asyncio.run(bench_signing())


if __name__ == "__main__":
    main()
