"""Who makes things happen beside prices: a strategy that sees much, a person at the switch, a stranger."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from tests.simulate.exchange import SimulatedExchange
from tests.simulate.market import PLAY_MS
from tests.trading.worlds import wish
from trader.core.events import Action, Instant, OperatorCommand
from trader.core.settings import Market
from trader.core.signal import PATTERN_DIRECTION, Direction, Reading
from trader.core.timeframe import MINUTE_MS
from trader.exchange.embedded.api_error import ApiError

PATTERNS = {
    direction: [pattern for pattern, each in PATTERN_DIRECTION.items() if each is direction] for direction in Direction
}


def settings_of(seed: int, market: Market) -> dict[str, Any]:
    """Return how a seed's trader trades: often, with little held back."""
    random = Random(f"{seed}/settings")

    def perhaps(share: float) -> dict[str, bool]:
        return {"enable": random.random() < share}

    return {
        "MARKET": market,
        "MIN_ATR_PCT": 0.0,
        "TREND_ALIGNMENT": False,
        "MAX_CONCURRENT_TRADES": random.randint(1, 6),
        "RISK_PER_TRADE": 0.01,
        "MAX_POSITION_SIZE_PCT": random.choice([0.02, 0.15, 0.33]),
        "MAX_PORTFOLIO_RISK": 0.5,
        "DAILY_LOSS_LIMIT": 0.0,
        "LOSING_STREAK_PROTECTION": {"enable": False},
        "DRAWDOWN_PROTECTION": {"enable": False},
        "PARTIAL_TP": perhaps(0.7)
        | {"levels": [{"pct": 0.004, "close_ratio": 0.5}, {"pct": 0.01, "close_ratio": 0.3}]},
        "BREAKEVEN_STOP": perhaps(0.5) | {"activation_pct": 0.004, "buffer_pct": 0.001},
        "TRAILING_STOP": perhaps(0.7) | {"activation_pct": 0.004, "trail_pct": 0.003},
        "PYRAMIDING": perhaps(0.4) | {"min_profit_pct": 0.002},
        "TARGET_LADDER": perhaps(0.3),
        "REVERSAL": perhaps(0.3),
        "SLIPPAGE_PCT": 0.0002,
        **(_futures(random) if market == "futures" else {}),
    }


def _futures(random: Random) -> dict[str, Any]:
    """Return what USD-M adds: leverage up to where liquidation is near, and hedges at small drawdowns."""
    hedging = {"enable": random.random() < 0.6, "hedge_threshold": 0.003, "hedge_recovery_threshold": 0.0005}
    return {
        "LEVERAGE": random.choice([1, 3, 20, 50]),
        "HEDGING": hedging | {"dynamic_hedge": False, "coin_overrides": {}},
    }


class Strategy:
    """Sees the same in the same candles, however often it looks; nothing after `minutes`."""

    def __init__(self, seed: int, share: float, market: Market, minutes: int) -> None:
        self._seed = seed
        self._share = share
        self._directions = list(Direction) if market == "futures" else [Direction.LONG]
        self._until = PLAY_MS + minutes * MINUTE_MS

    def read(self, instant: Instant) -> Sequence[Reading]:
        """Return what it sees in the candles of an instant."""
        if instant.late or instant.time > self._until:
            return ()
        random = Random(f"{self._seed}/{instant.time}")
        return [
            wish(
                candle.close,
                symbol=candle.symbol,
                pattern=random.choice(PATTERNS[random.choice(self._directions)]),
                probability=random.uniform(0.2, 0.95) if random.random() < 0.3 else 0.8,
                atr14=candle.close * 0.004,
            )
            for candle in instant.candles
            if random.random() < self._share
        ]


class Person:
    """Now and then closes a coin, or everything, or uses the kill switch for some minutes."""

    def __init__(self, seed: int) -> None:
        self._random = Random(f"{seed}/person")
        self._killed = 0

    def says(self) -> OperatorCommand | None:
        """Return a command, or none."""
        if self._killed:
            self._killed -= 1
            return None if self._killed else OperatorCommand(Action.LIFT)
        drawn = self._random.random()
        if drawn < 0.02:
            self._killed = 3
            return OperatorCommand(Action.KILL)
        if drawn < 0.05:
            return OperatorCommand(Action.CLOSE_ALL)
        return OperatorCommand(Action.CLOSE, "BTCUSDT") if drawn < 0.09 else None


class Stranger:
    """Trades by hand on the same account: orders of his own, which nobody else may touch.

    On USD-M he shares positions with everybody on the account, so there his orders lie where no price comes.
    """

    def __init__(self, seed: int, market: Market, symbols: list[str]) -> None:
        self._random = Random(f"{seed}/stranger")
        self._market = market
        self._symbols = symbols
        self._resting: list[int] = []

    def acts(self, exchange: SimulatedExchange) -> str | None:
        """Do something, or nothing; return what it was."""
        if self._random.random() > 0.2:
            return None
        try:
            return self._act(exchange)
        except ApiError as error:
            return f"refused: {error}"

    def _act(self, exchange: SimulatedExchange) -> str:
        if self._resting and self._random.random() < 0.3:
            order_id = self._resting.pop()
            exchange.stranger({"do": "cancel", "orderId": order_id})
            return f"cancels {order_id}"
        symbol, side = self._random.choice(self._symbols), self._random.choice(["BUY", "SELL"])
        spot = self._market == "spot"
        wish: dict[str, Any] = {"symbol": symbol, "side": side, "type": "MARKET", "quantity": "1"}
        if not spot or self._random.random() < 0.5:
            away = 0.03 if spot else 0.4
            price = (exchange.price(symbol) or 1) * (1 - away if side == "BUY" else 1 + away)
            wish |= {"type": "LIMIT", "price": f"{price:.2f}", "timeInForce": "GTC"}
        if not spot:
            wish["positionSide"] = "LONG" if side == "BUY" else "SHORT"
        done = exchange.stranger(wish)
        if done["status"] == "NEW":
            self._resting.append(done["orderId"])
        return f"{side} {symbol} {wish['type']}"
