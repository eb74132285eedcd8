"""Executions at an exchange -> fills as the core books them: in steps of the instrument, costs in quote currency.

What an execution moves is booked to the last digit: a fee that is taken from the coin, and what it cuts off the step,
are costs of the fill. What was cut off before (dust) fills an entry up to what was executed, and lessens its cost: so
it is sold with that position. The pool holds what the account holds, and a trade can always be closed.
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
    Purpose.TAKEN: Role.CLOSE,
}
#: Reasons of what went without an order of ours; the first is the role of its fill too.
LIQUIDATION, DELEVERAGED, SETTLED, MANUAL = "liquidation", "deleveraged", "settlement", "manual"
#: On USD-M the positions of a side are one to the venue: a stop and a target of one, met in the same moment, close some
#: of another.
NETTED = "netted"


def role_of(sent: Sent) -> Role:
    """Return what an order, and a fill of it, is to the core."""
    return Role.LIQUIDATION if sent.reason == LIQUIDATION else ROLES[sent.purpose]


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
    holding: Holding,
    sent: Sent,
    executions: Sequence[Execution],
    prices: Prices,
    instrument: Instrument,
    mark: float,
    dust: Decimal = ZERO,
) -> Fill | None:
    """Book `executions` of `sent`, which nobody has been told, and return the fill for the core.

    None while what came is less than a step: it is told with the next. Of what went without an order of ours, the rest
    of a step is told as closed too, at its cost: it cannot be sold any more. `mark` is the price that was expected
    (NaN: unknown), from which slippage counts. `dust` lies there of the coin; what an entry takes of it, `holding.dust`
    has.
    """
    price = average_price(executions)
    notional = sum((each.quantity * each.price for each in executions), ZERO)
    fees = sum((prices.fee(each) for each in executions if each.fee_asset != holding.base or not holding.base), ZERO)
    if sent.purpose is Purpose.ENTRY:
        quantity = _entered(holding, instrument, dust)
        cost = notional - quantity * price + fees
        holding.entered += max(ZERO, quantity)
        holding.left += max(ZERO, quantity)
    else:
        sold = sum((each.quantity for each in executions), ZERO)
        quantity = holding.left - cut(instrument, max(ZERO, holding.left - sold))  # the core counts in whole steps
        cost = fees - (sold - quantity) * price * int(holding.direction)
        holding.left -= quantity
    if quantity <= 0:
        return None
    sent.told |= {each.trade_id for each in executions}
    slippage = float(quantity) * abs(float(price) - mark) if mark == mark else 0.0
    time = max(each.time for each in executions)
    return _fill(holding, sent, role_of(sent), time, float(quantity), float(price), float(cost), slippage)


def _entered(holding: Holding, instrument: Instrument, dust: Decimal) -> Decimal:
    """Return what is to be told of an entry: never more than was executed, and filled up to that from `dust`."""
    entries = (execution for each in holding.of(Purpose.ENTRY) for execution in each.order.executions)
    executed = cut(instrument, sum((each.quantity for each in entries), ZERO))
    own = holding.brought + holding.dust
    whole = max(cut(instrument, own), min(cut(instrument, own + dust), executed))
    if holding.base:
        holding.dust += max(ZERO, whole - own)
    return whole - holding.entered


def leftovers(holding: Holding) -> list[tuple[Sent, Execution]]:
    """Return executions of the entry that nobody was told of: they came to less than a step."""
    entries = holding.of(Purpose.ENTRY)
    return [(sent, each) for sent in entries for each in sent.order.executions if each.trade_id not in sent.told]


def with_leftovers(fill: Fill, found: Sequence[tuple[Sent, Execution]], prices: Prices, base: str) -> Fill:
    """Return a closing `fill` that bears what `found` cost: what it brought is dust."""
    cost = ZERO
    for sent, each in found:
        sent.told.add(each.trade_id)
        cost += each.quantity * each.price + (ZERO if each.fee_asset == base else prices.fee(each))
    return msgspec.structs.replace(fill, fee=fill.fee + float(cost))


def unsellable(
    holding: Holding, found: Sequence[tuple[Sent, Execution]], prices: Prices, instrument: Instrument
) -> Fill:
    """Book an entry of which too little came to be sold: with what its fee took, so that the core can be told."""
    sent = found[0][0]
    executions = [each for _, each in found]
    quantity = cut(instrument, sum((each.quantity for each in executions), ZERO))
    notional = sum((each.quantity * each.price for each in executions), ZERO)
    fees = sum((prices.fee(each) for each in executions if each.fee_asset != holding.base), ZERO)
    price = average_price(executions)
    sent.told |= {each.trade_id for each in executions}
    holding.entered = holding.left = quantity
    cost = notional - quantity * price + fees
    time = max(each.time for each in executions)
    return _fill(holding, sent, Role.ENTRY, time, float(quantity), float(price), float(cost), 0.0)


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
