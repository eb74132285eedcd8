"""Who else acts in a run: strangers on the account, a person at the daemon, whoever restarts the exchange."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from tests.chaos.control import Exchange, command
from tests.chaos.weather import Weather

#: Share of a stranger's acts that close a coin with all that is ours, and of those that are the exchange's own.
CLOSES = 0.12


class Stranger:
    """Trades by hand: buys and sells what is his, rests orders, and seldom closes a coin with all that is ours.

    On futures he is the exchange too, now and then.
    """

    def __init__(self, seed: int, market: str, exchange: Exchange, symbols: list[str]) -> None:
        self._random = Random(f"{seed}/stranger")
        self._market = market
        self._exchange = exchange
        self._symbols = symbols
        self._resting: list[int] = []
        self._bought: list[tuple[str, str]] = []

    def act(self) -> str:
        """Do something; return what it was."""
        drawn = self._random.random()
        if drawn < CLOSES:
            return self._close()
        if self._market == "futures" and drawn < 2 * CLOSES:
            return self._force()
        if drawn < 0.4 and self._resting:
            return self._cancel()
        if drawn < 0.6 and self._bought:
            symbol, quantity = self._bought.pop()
            return self._order("SELL", symbol, quantity, "LONG")
        if drawn < 0.8:
            return self._rest()
        symbol = self._random.choice(self._symbols)
        quantity = self._quantity(symbol)
        self._bought.append((symbol, quantity))
        return self._order("BUY", symbol, quantity, "LONG")

    def _close(self) -> str:
        symbol = self._random.choice(self._symbols)
        self._bought = [each for each in self._bought if each[0] != symbol]
        self._say(do="close", symbol=symbol)
        return f"closes {symbol}"

    def _force(self) -> str:
        """Act as the exchange: liquidate, deleverage, or let the listen key expire."""
        do, symbol = self._random.choice(["liquidate", "adl", "expire_key"]), self._random.choice(self._symbols)
        done = self._say(do=do, symbol=symbol)
        return f"is the exchange: {do} {symbol}" + ("" if done is not None else " (nothing there)")

    def _cancel(self) -> str:
        order = self._resting.pop()
        self._say(do="cancel", orderId=order)
        return f"cancels {order}"

    def _rest(self) -> str:
        symbol = self._random.choice(self._symbols)
        price = f"{self._price(symbol) * 0.9:.{self._decimals(symbol)}f}"
        wish = {"symbol": symbol, "side": "BUY", "type": "LIMIT", "quantity": self._quantity(symbol), "price": price}
        done = self._say(**self._sided(wish, "LONG"), timeInForce="GTC")
        if done and done.get("status") == "NEW":
            self._resting.append(done["orderId"])
        return f"rests {symbol}"

    def _order(self, side: str, symbol: str, quantity: str, of: str) -> str:
        wish = {"symbol": symbol, "side": side, "type": "MARKET", "quantity": quantity}
        done = self._say(**self._sided(wish, of))
        return f"{side} {quantity} {symbol}" + ("" if done else " (refused)")

    def _sided(self, wish: dict[str, Any], side: str) -> dict[str, Any]:
        return wish if self._market == "spot" else wish | {"positionSide": side}

    def _say(self, **wish: Any) -> Any:
        return self._exchange.post("/control/stranger", market=self._market, **wish)

    def _price(self, symbol: str) -> float:
        path = "/api/v3" if self._market == "spot" else "/fapi/v1"
        return float(self._exchange.get(f"{path}/ticker/price?symbol={symbol}")["price"])

    def _decimals(self, symbol: str) -> int:
        return 1 if self._price(symbol) > 1_000 else 2

    def _quantity(self, symbol: str) -> str:
        return f"{200 / self._price(symbol):.3f}" if self._price(symbol) > 1_000 else f"{200 / self._price(symbol):.1f}"


class Person:
    """Closes a coin or everything, pauses and resumes, throws the kill switch and lifts it."""

    def __init__(self, seed: int, home: Path, symbols: list[str]) -> None:
        self._random = Random(f"{seed}/person")
        self._home = home
        self._symbols = symbols
        self._undo = ""

    def act(self) -> str:
        """Give a command; return what it was. What forbids entries is taken back until somebody hears it."""
        do = self._undo or self._random.choice(["close", "close", "close_all", "pause", "kill"])
        more = {"symbol": self._random.choice(self._symbols)} if do == "close" else {}
        answer = command(self._home, do=do, **more)
        if answer is not None:
            self._undo = {"pause": "resume", "kill": "lift"}.get(do, "")
        return f"{do}: {answer['is'] if answer else 'nobody answers'}"

    @property
    def forbids(self) -> bool:
        """Whether entries are forbidden, until the next act."""
        return bool(self._undo)

    def undo(self) -> None:
        """Take back what forbids entries, as often as it needs."""
        for do in ("lift", "resume"):
            command(self._home, do=do)


class Janitor:
    """Restarts the exchange, and drops or stalls its connections."""

    def __init__(self, seed: int, exchange: Exchange) -> None:
        self._random = Random(f"{seed}/janitor")
        self._exchange = exchange

    def act(self) -> tuple[str, float]:
        """Do something; return what it was, and for how long nobody gets in, seconds."""
        if self._random.random() < 0.5:
            self._exchange.post("/control/fault", kind="drop")
            return "all connections dropped", 0.0
        seconds = self._random.choice([0.3, 1.5, 5.0])
        self._exchange.post("/control/restart", seconds=seconds)
        return f"the exchange restarts for {seconds:g} s", seconds


class Rota:
    """When each of them acts: drawn pauses, by the weather."""

    def __init__(self, seed: int, weather: Weather, now_s: float) -> None:
        self._random = Random(f"{seed}/rota")
        self._means = {"restart": weather.restarts_s, "stranger": weather.strangers_s, "person": weather.people_s}
        self._next = {who: now_s + self._pause(who) for who in self._means}

    def due(self, now_s: float) -> list[str]:
        """Return whose turn it is."""
        due = [who for who, at_s in self._next.items() if at_s <= now_s]
        for who in due:
            self._next[who] = now_s + self._pause(who)
        return due

    def at(self, who: str) -> float:
        """Return when somebody's next turn is."""
        return self._next[who]

    def soon(self, who: str, at_s: float) -> None:
        """Let somebody's next turn be at `at_s`."""
        self._next[who] = at_s

    def _pause(self, who: str) -> float:
        return self._random.uniform(0.3, 1.7) * self._means[who]
