"""The last look, when all is quiet: what the exchange's ledger and the trader's books say of each other."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulate.exchange import CAPITAL, SimulatedExchange, held, resting
from tests.simulate.judge import ZERO, Watcher
from tests.simulate.life import Life
from trader.execution.client_ids import parse

#: Float noise of a pool of ten thousand, over some hundred bookings.
NOISE = 1e-6


def differences(watcher: Watcher, exchange: SimulatedExchange, life: Life) -> Iterator[str]:
    """Yield what is wrong at the end."""
    yield from _fills(watcher)
    ledger = exchange.ledger()
    for client_id in resting(ledger):
        if parse(client_id) is not None:
            yield f"{client_id} still rests"
    if not life.flat:
        book = life.logic.book
        yield f"not flat: trades {list(book.trades)}, pending {list(book.pending)}, held {list(life.desk.holdings)}"
        return
    for position in watcher.positions.values():
        if watcher.sellable(position):
            yield f"position {position.id}: {position.held} {position.symbol} are left at the exchange"
    for name, quantity in held(ledger).items():
        yield f"{quantity} {name} are held at the exchange"
    yield from _dust(watcher, life)
    yield from _money(watcher, life)


def _fills(watcher: Watcher) -> Iterator[str]:
    for key, one in watcher.executed.items():
        told = watcher.told.get(key, {}).values()
        booked = sum((each.quantity for each in told), ZERO)
        if not told:
            yield f"execution {one.trade_id} of {one.client_id} was lost"
        elif booked != one.quantity or any(each.price != one.price for each in told):
            yield f"execution {one.trade_id} of {one.client_id} is booked as {list(told)}"
        elif sum((each.fee for each in told), ZERO) != one.fee or any(each.fee_asset != one.fee_asset for each in told):
            yield f"execution {one.trade_id} of {one.client_id}: its fee of {one.fee} is booked as {list(told)}"
    for key in watcher.told.keys() - watcher.executed.keys():
        yield f"execution {key} is booked and never was"


def _dust(watcher: Watcher, life: Life) -> Iterator[str]:
    """Compare what is left of each coin at the exchange with the ledger of dust."""
    left: dict[str, object] = {}
    for coin in set(watcher.bases.values()):
        held = sum((each.held for each in watcher.positions.values() if watcher.bases[each.symbol] == coin), ZERO)
        if held != life.desk.dust.of(coin):
            left[coin] = held
    for coin, held in sorted(left.items()):
        yield f"{held} {coin} are left at the exchange, the ledger of dust has {life.desk.dust.of(coin)}"


def _money(watcher: Watcher, life: Life) -> Iterator[str]:
    """Compare the pool with what our executions moved; fees in quote are taken from it, those in coins are gone."""
    money = CAPITAL
    for one in watcher.executed.values():
        value = one.quantity * one.price
        money += (-value if one.buying else value) - (one.fee if one.fee_asset == "USDT" else ZERO)
    free = life.logic.book.pool.free
    if abs(float(money) - free) > NOISE:
        yield f"the pool has {free!r}, the account {money}"
