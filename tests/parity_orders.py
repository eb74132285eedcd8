"""What parity with real orders has of its own: an account, the fees that it pays, logs compared by what they mean.

Of exits within one candle nobody knows the order: the simulation takes trades by age, an exchange orders by price. So
exits are compared by trade, and equity where a time ends. Nor do entries of one instant fill in the order in which they
were decided: they leave side by side, and trades are numbered as they fill. So a trade is known by its signal. The wire
has eight decimals, where the simulation has a float's sixteen digits: of each price that is multiplied with a quantity,
of each fee, of each funding payment.

One difference is left to chance: a target that the next open has passed is filled there before an order of this instant
arrives, where the simulation lets an order that closes the trade go first. Such a trade is shown as a difference.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from io import StringIO

KEY, SECRET = "key-of-parity", "secret-of-parity"
#: Commissions are paid in BNB, which takes nothing from the coin: a quarter less than the 0.1 % of spot.
FEE = 0.00075
ACCOUNT = ("--key", KEY, "--secret", SECRET, "--balance", "USDT=10000,BNB=1000", "--bnb-fees", "--lockstep")
FEES = (f"TAKER_FEE.spot={FEE}", f"MAKER_FEE.spot={FEE}")
ENVIRONMENT = {"BINANCE_API_KEY": KEY, "BINANCE_API_SECRET": SECRET}
#: What the wire cuts off, as a fraction of a price; of money likewise, and so much of each unit of quantity and order.
TOLERANCE = 1e-8
#: Columns that are sums over the orders that filled one exit.
SUMMED = ("part_quantity", "fees", "funding", "net_pnl")
#: Columns that make rows the same trade, and the same exit of it.
SAME_TRADE = ("signal_time", "symbol", "timeframe", "strategy", "direction")
SAME_EXIT = (*SAME_TRADE, "exit_time", "exit_reason")

#: Columns that count where the play's end closes a trade: the exchange closes it at a price of its own.
AT_THE_END = ("symbol", "timeframe", "pattern", "direction", "signal_time", "entry_time", "entry_price", "quantity")

Row = dict[str, str]


def differences(live: str, past: str) -> Iterator[str]:
    """Yield how two logs of trades differ, exit by exit."""
    ours, theirs = _exits(live), _exits(past)
    for key in sorted({*ours, *theirs}, key=lambda key: (int(key[-2]), key)):
        one, other = ours.get(key), theirs.get(key)
        words = f"{' '.join(key[:-2])}: {key[-1]} at {key[-2]}"
        if one is None or other is None:
            yield f"{words}: only in the {'backtest' if one is None else 'daemon'}'s log"
            continue
        for name in AT_THE_END if key[-1] == "end_of_data" else other:
            least = _cut_off(other) if name in SUMMED else TOLERANCE
            if name != "trade_id" and not _alike(one.get(name, ""), other[name], least):
                yield f"{words}, {name}: daemon {one.get(name)}, backtest {other[name]}"


def _exits(log: str) -> dict[tuple[str, ...], Row]:
    """Return one row for each exit; `equity_after` is what it was when the time of the exit was over."""
    exits: dict[tuple[str, ...], Row] = {}
    equity: dict[str, str] = {}
    for row in csv.DictReader(StringIO(log)):
        key = tuple(row[name] for name in SAME_EXIT)
        before = exits.get(key)
        exits[key] = row if before is None else _joined(before, row)
        equity[row["exit_time"]] = row["equity_after"]
    return {key: {**row, "equity_after": equity[row["exit_time"]]} for key, row in exits.items()}


def _joined(one: Row, other: Row) -> Row:
    sums = {name: repr(float(one[name]) + float(other[name])) for name in SUMMED}
    return {**other, **sums}


def _cut_off(row: Row) -> float:
    """Return how much the money of a trade's exit may differ: by two prices a unit, and by the fees of four orders."""
    return 2 * TOLERANCE * (1 + float(row["quantity"]))


def _alike(one: str, other: str, least: float) -> bool:
    if one == other:
        return True
    try:
        return math.isclose(float(one), float(other), rel_tol=TOLERANCE, abs_tol=least)
    except ValueError:
        return False
