"""The spot desk of an exchange without doors: requests are calls, time passes by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.exchange.embedded.sources import PLAY_MS
from tests.exchange.embedded.traders import market, trading
from trader.exchange.embedded.api_error import ApiError
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.faults import parse_fault
from trader.exchange.embedded.options import ExchangeOptions, Touch
from trader.exchange.embedded.params import Params
from trader.exchange.embedded.signed import Call
from trader.exchange.embedded.spot.judge import Judge

Bar = tuple[float, float, float, float]
SYMBOL = {"symbol": "BTCUSDT"}


class Room:
    """A market in which `rows` happen, and its first account."""

    def __init__(self, rows: Sequence[Bar], touch: Touch, faults: tuple[str, ...]) -> None:
        options = ExchangeOptions(
            start=PLAY_MS,
            hold=True,
            trading=trading("USDT=10000,BTC=100,BNB=1", touch=touch, pays_in_bnb=True),
            faults=tuple(parse_fault(fault) for fault in faults),
        )
        self.exchange = EmbeddedExchange(options, market(*rows))
        self.venue = self.exchange.trading.venues["spot"]
        self.account = self.exchange.trading.accounts[0]
        judge = self.venue.ledger
        assert isinstance(judge.__self__, Judge)
        self.desk = judge.__self__._desk
        self.books = self.desk.books

    def ask(self, method: str, params: dict[str, str]) -> None:
        """Make one request; refusals are fine."""
        call = Call(self.account, self.account.keys[0], Params(self.venue.floor, params))
        self.venue.advance(self.exchange.play.clock.now())
        try:
            self.venue.methods[method].answer(call)
        except ApiError:
            return

    def wait(self, ms: int) -> None:
        """Let time pass."""
        clock = self.exchange.play.clock
        clock.reach(clock.now() + ms)
        self.venue.advance(clock.now())

    def answer(self, method: str, **params: str) -> Any:
        """Make one request and return its answer; a refusal is an error."""
        call = Call(self.account, self.account.keys[0], Params(self.venue.floor, SYMBOL | params))
        self.venue.advance(self.exchange.play.clock.now())
        return self.venue.methods[method].answer(call)
