"""The filters of exchangeInfo as rules about one order: each function names the filter that fails, or None.

Both markets have them under these names; what a failure is called on the wire is the market's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from trader.exchange.embedded.accounts.decimals import CONTEXT, ZERO

Filter = dict[str, Decimal]
Filters = Mapping[str, Filter]


def read_filters(rows: list[dict[str, Any]]) -> dict[str, Filter]:
    """Return the numbers of each filter by its type; flags are 1 or 0."""
    return {row["filterType"]: {name: _number(value) for name, value in row.items() if _numeric(value)} for row in rows}


def price_fault(filters: Filters, price: Decimal) -> str | None:
    """Judge a price or stop price by PRICE_FILTER; a value of 0 turns a rule off."""
    rule = filters.get("PRICE_FILTER", {})
    fits = _within(price, rule, "minPrice", "maxPrice") and _on_grid(price, rule, "minPrice", "tickSize")
    return None if fits else "PRICE_FILTER"


def lot_fault(filters: Filters, quantity: Decimal, market: bool) -> str | None:
    """Judge a quantity by LOT_SIZE, that of a market order by MARKET_LOT_SIZE too."""
    names = ("LOT_SIZE", "MARKET_LOT_SIZE") if market else ("LOT_SIZE",)
    for name in names:
        rule = filters.get(name, {})
        if not (_within(quantity, rule, "minQty", "maxQty") and _on_grid(quantity, rule, "minQty", "stepSize")):
            return name
    return None


def percent_fault(filters: Filters, price: Decimal, reference: Decimal, buying: bool) -> str | None:
    """Judge a price by its distance from the reference: PERCENT_PRICE, and PERCENT_PRICE_BY_SIDE."""
    if not _near(price, reference, filters.get("PERCENT_PRICE", {}), ""):
        return "PERCENT_PRICE"
    if not _near(price, reference, filters.get("PERCENT_PRICE_BY_SIDE", {}), "bid" if buying else "ask"):
        return "PERCENT_PRICE_BY_SIDE"
    return None


def notional_fault(filters: Filters, notional: Decimal, market: bool) -> str | None:
    """Judge price times quantity by MIN_NOTIONAL and NOTIONAL, market orders where the filter applies to them."""
    least = filters.get("MIN_NOTIONAL", {})
    applies = not market or least.get("applyToMarket", ZERO)
    if applies and notional < least.get("minNotional", least.get("notional", ZERO)):
        return "MIN_NOTIONAL"
    both = filters.get("NOTIONAL", {})
    low = ZERO if market and not both.get("applyMinToMarket", ZERO) else both.get("minNotional", ZERO)
    high = ZERO if market and not both.get("applyMaxToMarket", ZERO) else both.get("maxNotional", ZERO)
    return "NOTIONAL" if notional < low or (high and notional > high) else None


def count_fault(filters: Filters, counts: Mapping[str, tuple[str, int]]) -> str | None:
    """Judge how many are open, the new ones included: `counts` has filter type -> (key of its limit, number)."""
    for name, (key, number) in counts.items():
        limit = filters.get(name, {}).get(key)
        if limit is not None and number > limit:
            return name
    return None


def iceberg_fault(filters: Filters, quantity: Decimal, shown: Decimal) -> str | None:
    """Judge by ICEBERG_PARTS into how many parts an order breaks."""
    limit = filters.get("ICEBERG_PARTS", {}).get("limit")
    parts = -(-quantity // shown) if shown else ZERO
    return "ICEBERG_PARTS" if limit is not None and parts > limit else None


def position_fault(filters: Filters, position: Decimal) -> str | None:
    """Judge what an account would have of the base asset by MAX_POSITION."""
    limit = filters.get("MAX_POSITION", {}).get("maxPosition", ZERO)
    return "MAX_POSITION" if limit and position > limit else None


def _within(value: Decimal, rule: Filter, low: str, high: str) -> bool:
    least, most = rule.get(low, ZERO), rule.get(high, ZERO)
    return value >= least and (not most or value <= most)


def _on_grid(value: Decimal, rule: Filter, start: str, unit: str) -> bool:
    step = rule.get(unit, ZERO)
    return not step or not CONTEXT.remainder(CONTEXT.subtract(value, rule.get(start, ZERO)), step)


def _near(price: Decimal, reference: Decimal, rule: Filter, side: str) -> bool:
    up, down = rule.get(_joined(side, "multiplierUp")), rule.get(_joined(side, "multiplierDown"))
    if up is not None and price > CONTEXT.multiply(reference, up):
        return False
    return down is None or price >= CONTEXT.multiply(reference, down)


def _joined(side: str, name: str) -> str:
    return side + name[0].upper() + name[1:] if side else name


def _numeric(value: Any) -> bool:
    try:
        Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        return False
    return True


def _number(value: Any) -> Decimal:
    return Decimal(value)
