"""What a report of divergence says: trades of both sides, costs by cause. Money in quote currency, times in ms UTC."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Cause(StrEnum):
    """Why a day of real orders was not what its backtest is."""

    SLIPPAGE = "slippage"
    LATENCY = "latency"
    STOP = "stop at market"
    FEE = "fee"
    FUNDING = "funding"
    PARTIAL = "partial fill"
    REJECTED = "rejected"
    UNFILLED = "unfilled"
    LATE_CANDLE = "late candle"
    REVISED_CANDLE = "revised candle"
    PATH = "order within a candle"
    MISSED = "missed"
    HALTED = "halted"
    UNPROTECTED = "unprotected"
    LIQUIDATION = "liquidation"
    OTHER_HAND = "another hand"
    SETTINGS = "other settings"
    ROUNDING = "rounding"
    UNEXPLAINED = "unexplained"


MEANINGS: dict[Cause, str] = {
    Cause.SLIPPAGE: "a market order filled worse, or better, than the price of its moment and SLIPPAGE_PCT",
    Cause.LATENCY: "it filled later than at once: the price had moved; or what was filled was told too late",
    Cause.STOP: "a stop filled away from its level, by more or less than SLIPPAGE_PCT",
    Cause.FEE: "the exchange took another fee than the settings have, or took it from the coin",
    Cause.FUNDING: "funding was another, or was booked at another time",
    Cause.PARTIAL: "an order filled in parts, or only in part",
    Cause.REJECTED: "the exchange refused an order",
    Cause.UNFILLED: "an order was not filled where the backtest fills it: not taken, expired, only touched",
    Cause.LATE_CANDLE: "a candle was missing or late when the instant was judged",
    Cause.REVISED_CANDLE: "a candle was another when it was judged than it finally is",
    Cause.PATH: "one candle holds several levels: the backtest takes the stop first, the market went another way",
    Cause.MISSED: "the daemon did not judge the instant: it was down, or was starting again",
    Cause.HALTED: "entries were halted by the daemon itself",
    Cause.UNPROTECTED: "a position was closed since no stop could be placed in time",
    Cause.LIQUIDATION: "the exchange closed a position by force",
    Cause.OTHER_HAND: "somebody else sold or closed what was ours",
    Cause.SETTINGS: "the daemon was started again with other settings within the day",
    Cause.ROUNDING: "decimals of the wire, where the backtest has a float's digits",
    Cause.UNEXPLAINED: "nothing in the journal explains it: worth a look at the program",
}


class Cost(msgspec.Struct, frozen=True):
    """What one cause cost a trade: positive is worse in life than in the backtest.

    `follows`: the number of the trade whose difference led to this one, 0 for its own. `time`: T at which it arose.
    """

    cause: Cause
    cost: float
    time: int
    words: str
    follows: int = 0


class Side(msgspec.Struct, frozen=True):
    """A trade as one side made it. `gain` is what it added to equity within the day, open quantity at the last close.

    `exit_price` is the average over what has closed, None while nothing has; `left` is what is still open.
    """

    trade_id: int
    entry_time: int
    entry_price: float
    quantity: float
    exit_time: int
    exit_price: float | None
    reason: str
    left: float
    fees: float
    funding: float
    gain: float


class Delay(msgspec.Struct, frozen=True):
    """How long an entry took: `market_ms` from T to its execution on the market's clock, on this machine's clock
    `own_ms` from the judgement until it left, `answer_ms` from then until the exchange's first word; None is unknown.
    """

    market_ms: int
    own_ms: int | None
    answer_ms: int | None


class Row(msgspec.Struct, frozen=True):
    """A trade of the day on both sides; `number` counts trades by `decided`, `cost` is the sum of `costs`.

    `r` is the cost in units of the loss planned at the first stop, None where there is no stop.
    """

    number: int
    symbol: str
    timeframe: str
    decided: int
    direction: int
    hedge: bool
    live: Side | None
    backtest: Side | None
    cost: float
    r: float | None
    costs: tuple[Cost, ...] = ()
    delay: Delay | None = None


class Total(msgspec.Struct, frozen=True):
    """The costs of one cause: how many trades it touched itself, what it cost those, and those that followed."""

    cause: Cause
    trades: int
    own: float
    followed: float
    r: float

    @property
    def cost(self) -> float:
        """What it cost in all."""
        return self.own + self.followed


class Divergence(msgspec.Struct, frozen=True):
    """A day, or what was lived of it: from `start` to `end`. `equity` values open trades at the last final closes.

    `rows` by number, `totals` dearest first. `unexplained` counts differences without a cause. `notes` are to be read.
    """

    day: str
    venue: str
    market: str
    quote: str
    start: int
    end: int
    instants: int
    equity_start: float
    equity_live: float
    equity_backtest: float
    rows: tuple[Row, ...]
    totals: tuple[Total, ...]
    pool_costs: tuple[Cost, ...]
    unexplained: int
    commands: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def cost(self) -> float:
        """What the day was worse by than its backtest."""
        return self.equity_backtest - self.equity_live
