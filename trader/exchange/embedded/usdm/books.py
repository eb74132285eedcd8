"""What all parts of the USD-M desk share: wallets, positions, orders, numbers, and the way to tell an account."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from math import isfinite
from random import Random
from string import ascii_letters, digits
from typing import Any

import msgspec

from trader.exchange.embedded.accounts.account import Account
from trader.exchange.embedded.accounts.decimals import ZERO, of_float
from trader.exchange.embedded.accounts.events import UserEvents
from trader.exchange.embedded.accounts.numbers import Numbers
from trader.exchange.embedded.faults import FaultPlan
from trader.exchange.embedded.filters import Filters, read_filters
from trader.exchange.embedded.floor import Floor
from trader.exchange.embedded.matching.quotes import Quotes
from trader.exchange.embedded.usdm.brackets import Brackets
from trader.exchange.embedded.usdm.orders import PositionSide
from trader.exchange.embedded.usdm.positions import Position
from trader.exchange.embedded.usdm.shelf import Shelf
from trader.exchange.embedded.usdm.wallet import Wallet

MARKET = "futures"
#: What a symbol is traded with until its owner says otherwise.
LEVERAGE = 20


class Contract(msgspec.Struct, frozen=True):
    """What exchangeInfo says of a symbol; digits behind the point of prices and quantities."""

    asset: str
    filters: Filters
    price_digits: int
    quantity_digits: int
    step: Decimal


class Setting(msgspec.Struct):
    """How an account trades a symbol."""

    leverage: int = LEVERAGE
    isolated: bool = False


class Books:
    """The state of the market's trading side. `wall` in seconds since the epoch; `hedge`: who is in hedge mode."""

    def __init__(
        self,
        floor: Floor,
        quotes: Quotes,
        accounts: Sequence[Account],
        events: UserEvents,
        plan: FaultPlan,
        brackets: Brackets,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.floor = floor
        self.quotes = quotes
        self.plan = plan
        self.brackets = brackets
        self.wall = wall
        self.shelf = Shelf()
        self.accounts = {account.uid: account for account in accounts}
        self.wallets = {account.uid: Wallet(account.balances) for account in accounts}
        self.hedge = dict.fromkeys(self.accounts, False)
        self.contracts = {tape.symbol: _contract(tape.entry) for tape in floor.tapes.values()}
        self.ids, self.trade_ids = Numbers(), Numbers()
        self._settings: dict[tuple[int, str], Setting] = defaultdict(Setting)
        self._positions: dict[tuple[int, str, PositionSide], Position] = {}
        self._held: dict[str, dict[int, Position]] = defaultdict(dict)
        self._events = events
        self._random = Random(f"{plan.seed}/usdm client ids")

    def now(self) -> int:
        """Return the play's time, ms."""
        return self.floor.clock.now()

    def new_client_id(self) -> str:
        """Return an id for who sent none."""
        return "".join(self._random.choices(ascii_letters + digits, k=22))

    def tell(self, uid: int, event: dict[str, Any]) -> None:
        """Send an event to whoever listens to an account."""
        self._events.publish(uid, MARKET, event)

    def mark(self, symbol: str) -> Decimal:
        """Return the last price, by which positions are valued; 0 before the symbol is listed."""
        tape = self.floor.tapes[symbol]
        price = tape.last_price() if tape.listed else 0.0
        return of_float(price) if isfinite(price) else ZERO

    def setting(self, uid: int, symbol: str) -> Setting:
        """Return how an account trades a symbol."""
        return self._settings[uid, symbol]

    def position(self, uid: int, symbol: str, side: PositionSide) -> Position:
        """Return a position of an account, flat where it has none."""
        key = (uid, symbol, side)
        if key not in self._positions:
            self._positions[key] = Position(id=-1 - len(self._positions), uid=uid, symbol=symbol, side=side)
        return self._positions[key]

    def settle(self, position: Position) -> None:
        """Keep a position among those that are held, or take it out of them."""
        held = self._held[position.symbol]
        if position.quantity:
            held[position.id] = position
        else:
            held.pop(position.id, None)

    def held(self, symbol: str) -> list[Position]:
        """Return the positions of all accounts on a symbol that are not flat."""
        return list(self._held[symbol].values())

    def positions(self, uid: int, symbol: str = "") -> list[Position]:
        """Return the positions of an account that are not flat, of one symbol or of all, oldest first."""
        some = [self._held[symbol]] if symbol else list(self._held.values())
        return sorted((each for held in some for each in held.values() if each.uid == uid), key=_age)

    def every_position(self) -> list[Position]:
        """Return the positions that any account has, or has had, oldest first."""
        return list(self._positions.values())

    def every_setting(self) -> dict[tuple[int, str], Setting]:
        """Return how accounts trade, by account and symbol, where they have said so."""
        return dict(self._settings)

    def take_up(self, positions: Iterable[Position], settings: Mapping[tuple[int, str], Setting]) -> None:
        """Go on with what `every_position` and `every_setting` told once."""
        self._settings.update(settings)
        for position in positions:
            self._positions[position.uid, position.symbol, position.side] = position
            self.settle(position)

    def symbols_held(self) -> set[str]:
        """Return the symbols on which anybody has a position."""
        return {symbol for symbol, held in self._held.items() if held}


def _age(position: Position) -> int:
    return -position.id


def _contract(entry: dict[str, Any]) -> Contract:
    rows = {row["filterType"]: row for row in entry["filters"]}
    tick, step = rows["PRICE_FILTER"]["tickSize"], rows["LOT_SIZE"]["stepSize"]
    filters = read_filters(entry["filters"])
    return Contract(str(entry["marginAsset"]), filters, _places(tick), _places(step), filters["LOT_SIZE"]["stepSize"])


def _places(unit: str) -> int:
    """Return the digits behind the point that a unit needs.

    >>> _places("0.00100"), _places("1")
    (3, 0)
    """
    return len(unit.partition(".")[2].rstrip("0"))
