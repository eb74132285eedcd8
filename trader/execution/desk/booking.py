"""Executions at an exchange -> fills as the core books them: in steps of the instrument, costs in quote currency.

What an execution moves is booked to the last digit: a fee that is taken from the coin, and what it cuts off the step,
are costs of the fill. So the pool holds what the account holds, and a trade can always be closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from trader.core.account import ZERO, Execution
from trader.core.instrument import Instrument
from trader.core.order import Fill, Role
from trader.core.venue import Commission
from trader.execution.client_ids import Purpose
from trader.execution.desk.holding import Holding, Sent
from trader.execution.fees import average_price
from trader.execution.wire_numbers import cut

ROLES: dict[Purpose, Role] = {
    Purpose.ENTRY: Role.ENTRY,
    Purpose.STOP: Role.STOP,
    Purpose.TARGET: Role.TARGET,
    Purpose.CLOSE: Role.CLOSE,
}


class Prices(msgspec.Struct, frozen=True):
    """What the fees of a symbol are worth: paid in quote as they are, in base at the price, else by `commission`.

    A fee in a coin of its own (BNB) is booked as what the account's rates say that it is: the coin's price then is
    no input of the books, and the coin itself is the account's, not the pool's.
    """

    base: str
    quote: str
    commission: Commission

    def fee(self, execution: Execution) -> Decimal:
        """Return the fee of an execution in quote currency."""
        if not execution.fee or execution.fee_asset == self.quote:
            return execution.fee
        if execution.fee_asset == self.base:
            return execution.fee * execution.price
        rate = self.commission.maker if execution.maker else self.commission.taker
        return execution.quantity * execution.price * rate * self.commission.discount


def fill_of(
    holding: Holding, sent: Sent, executions: Sequence[Execution], prices: Prices, instrument: Instrument, mark: float
) -> Fill | None:
    """Book `executions` of `sent`, which nobody has been told, and return the fill for the core.

    None while what came is less than a step: it is told with the next. `mark` is the price that was expected (NaN:
    unknown), from which slippage counts.
    """
    price = average_price(executions)
    notional = sum((each.quantity * each.price for each in executions), ZERO)
    fees = sum((prices.fee(each) for each in executions if each.fee_asset != holding.base or not holding.base), ZERO)
    if sent.purpose is Purpose.ENTRY:
        quantity = cut(instrument, holding.owned + closed(holding)) - holding.entered
        cost = notional - quantity * price + fees
        holding.entered += max(ZERO, quantity)
        holding.left += max(ZERO, quantity)
    else:
        sold = sum((each.quantity for each in executions), ZERO)
        quantity = min(sold, holding.left)
        cost = fees - (sold - quantity) * price * int(holding.direction)
        holding.left -= quantity
    if quantity <= 0:
        return None
    sent.told |= {each.trade_id for each in executions}
    slippage = float(quantity) * abs(float(price) - mark) if mark == mark else 0.0
    time = max(each.time for each in executions)
    return _fill(holding, sent, ROLES[sent.purpose], time, float(quantity), float(price), float(cost), slippage)


def closed(holding: Holding) -> Decimal:
    """Return what has gone from the position so far."""
    exits = (each.order.cumulative for each in holding.sent.values() if each.purpose is not Purpose.ENTRY)
    return sum(exits, holding.taken)


def write_off(holding: Holding, time: int, price: float, reason: str) -> Fill:
    """Book what is left and cannot be sold as closed, its value as a cost: it becomes dust."""
    quantity, holding.left = float(holding.left), ZERO
    return Fill(
        time,
        0,
        holding.position_id,
        holding.symbol,
        Role.CLOSE,
        holding.direction,
        quantity,
        price,
        quantity * price,
        0.0,
        reason,
    )


def taken_fill(
    holding: Holding, quantity: Decimal, price: Decimal, fee: Decimal, time: int, role: Role, reason: str
) -> Fill:
    """Book what went from the position without an order of ours: a liquidation, or somebody's hand."""
    told = min(quantity, holding.left)
    holding.taken += quantity
    holding.left -= told
    return Fill(
        time,
        0,
        holding.position_id,
        holding.symbol,
        role,
        holding.direction,
        float(told),
        float(price),
        float(fee),
        0.0,
        reason,
    )


def _fill(
    holding: Holding, sent: Sent, role: Role, time: int, quantity: float, price: float, fee: float, slippage: float
) -> Fill:
    return Fill(
        time,
        sent.order_id,
        holding.position_id,
        holding.symbol,
        role,
        holding.direction,
        quantity,
        price,
        fee,
        slippage,
        sent.reason,
    )
