"""What an account has against what we believe: one pure look, no memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec

from trader.core.account import ZERO, PositionSide
from trader.core.instrument import Instrument
from trader.execution.audit.findings import Finding, Kind
from trader.execution.audit.seen import Seen
from trader.execution.client_ids import parse
from trader.execution.desk.holding import Holding


class Own(msgspec.Struct, frozen=True):
    """What we believe. `run` names the pool in client ids; `given` is the highest position id that it has given out.

    `bases` has the coin of each symbol on spot (empty on futures), `dust` its ledger.
    """

    run: str
    given: int
    holdings: Mapping[int, Holding]
    instruments: Mapping[str, Instrument]
    bases: Mapping[str, str] = {}
    dust: Mapping[str, Decimal] = {}


def compare(own: Own, seen: Seen) -> list[Finding]:
    """Return every difference: of orders first, then of what is held."""
    return [*_orders(own, seen), *_missing(own, seen), *(_coins(own, seen) if own.bases else _positions(own, seen))]


def side_of(holding: Holding) -> PositionSide:
    """Return the side of a position in hedge mode."""
    return PositionSide.LONG if holding.direction > 0 else PositionSide.SHORT


def _orders(own: Own, seen: Seen) -> Iterator[Finding]:
    """Yield what rests and is none of an attended position."""
    attended = {client_id for holding in own.holdings.values() for client_id in holding.sent}
    became = {sent.order.actual_id for holding in own.holdings.values() for sent in holding.sent.values()} - {0}
    for order in seen.orders:
        if order.client_id not in attended and order.exchange_id not in became:
            yield Finding(_kind_of(own, order.client_id), order.symbol, order.client_id)
    for stop in seen.stops:
        if stop.client_id not in attended:
            yield Finding(_kind_of(own, stop.client_id), stop.symbol, stop.client_id, conditional=True)


def _kind_of(own: Own, client_id: str) -> Kind:
    parts = parse(client_id)
    if parts is None:
        return Kind.STRANGERS_ORDER
    if parts.run != own.run:
        return Kind.OTHER_RUN
    if parts.trade in own.holdings:
        return Kind.UNKNOWN
    return Kind.LEFTOVER if parts.trade <= own.given else Kind.LOST


def _missing(own: Own, seen: Seen) -> Iterator[Finding]:
    """Yield the orders of ours that should rest and do not."""
    resting = {each.client_id for each in seen.orders} | {each.client_id for each in seen.stops}
    numbers = {each.exchange_id for each in seen.orders}
    for holding in own.holdings.values():
        for sent in holding.sent.values():
            if sent.rests and sent.client_id not in resting and sent.order.actual_id not in numbers:
                yield Finding(Kind.MISSING, holding.symbol, sent.client_id, conditional=sent.order.conditional)


def _coins(own: Own, seen: Seen) -> Iterator[Finding]:
    """Yield differences of balances; a coin that several symbols trade is told of by the first."""
    for coin in dict.fromkeys(own.bases.values()):
        symbol = next(name for name, base in own.bases.items() if base == coin)
        held = sum((each.owned for each in own.holdings.values() if each.base == coin), ZERO)
        total, dust = seen.balances.get(coin, ZERO), own.dust.get(coin, ZERO)
        step = own.instruments[symbol].step.unit
        if total < held:
            yield Finding(Kind.SHORTFALL, symbol, coin, held - total)
        elif total < held + dust:
            yield Finding(Kind.DUST_GONE, symbol, coin, held + dust - total)
        elif total - held - dust >= step:
            yield Finding(Kind.SURPLUS, symbol, coin, total - held - dust)


def _positions(own: Own, seen: Seen) -> Iterator[Finding]:
    held: dict[tuple[str, PositionSide], Decimal] = {}
    for holding in own.holdings.values():
        key = (holding.symbol, side_of(holding))
        held[key] = held.get(key, ZERO) + holding.owned
    for symbol, side in sorted({*held, *seen.positions}):
        believed, total = held.get((symbol, side), ZERO), seen.positions.get((symbol, side), ZERO)
        if total < believed:
            yield Finding(Kind.SHORTFALL, symbol, side, believed - total)
        elif total > believed:
            yield Finding(Kind.SURPLUS, symbol, side, total - believed)
