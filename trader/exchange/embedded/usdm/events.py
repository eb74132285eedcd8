"""Events of the private stream as Binance words them (binance.md, section 3)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from trader.exchange.embedded.accounts.decimals import ZERO
from trader.exchange.embedded.usdm import margin
from trader.exchange.embedded.usdm.books import Books
from trader.exchange.embedded.usdm.orders import CONDITIONAL, LIMITED, Algo, AlgoStatus, Order, Trade, Type
from trader.exchange.embedded.usdm.positions import Position
from trader.exchange.embedded.usdm.words import amount_text, price_text, quantity_text

Json = dict[str, Any]


def order_event(books: Books, order: Order, kind: str, trade: Trade | None = None) -> Json:
    """Return ORDER_TRADE_UPDATE: `kind` is NEW, TRADE, CANCELED, EXPIRED, AMENDMENT or CALCULATED."""
    contract, wish = books.contracts[order.wish.symbol], order.wish
    time = trade.time if trade else order.updated
    row = {
        "s": wish.symbol,
        "c": order.client_id,
        "S": wish.side,
        "o": wish.type,
        "f": wish.time_in_force,
        "q": quantity_text(contract, order.quantity),
        "p": price_text(contract, order.price),
        "ap": price_text(contract, order.average),
        "sp": "0",
        "x": kind,
        "X": order.status,
        "i": order.id,
        "l": quantity_text(contract, trade.quantity if trade else ZERO),
        "z": quantity_text(contract, order.executed),
        "L": price_text(contract, trade.price if trade else None),
        "N": contract.asset,
        "n": amount_text(trade.commission) if trade else "0",
        "T": time,
        "t": trade.id if trade else 0,
        "b": "0",
        "a": "0",
        "m": trade.maker if trade else False,
        "R": wish.reduce_only,
        "wt": wish.working_type,
        "ot": wish.type,
        "ps": wish.position_side,
        "cp": wish.close_position,
        "pP": wish.price_protect,
        "si": 0,
        "ss": 0,
        "rp": amount_text(trade.realised) if trade else "0",
        "V": wish.self_trade,
        "pm": "NONE",
        "gtd": 0,
        "er": order.reason,
    }
    return {"e": "ORDER_TRADE_UPDATE", "E": books.now(), "T": time, "o": row}


def trade_lite(books: Books, order: Order, trade: Trade) -> Json:
    """Return TRADE_LITE: an execution, sooner, without what it cost."""
    contract = books.contracts[order.wish.symbol]
    return {
        "e": "TRADE_LITE",
        "E": books.now(),
        "T": trade.time,
        "s": order.wish.symbol,
        "q": quantity_text(contract, order.quantity),
        "p": price_text(contract, order.price),
        "m": trade.maker,
        "c": order.client_id,
        "S": order.wish.side,
        "L": price_text(contract, trade.price),
        "l": quantity_text(contract, trade.quantity),
        "t": trade.id,
        "i": order.id,
    }


def algo_event(books: Books, algo: Algo) -> Json:
    """Return ALGO_UPDATE."""
    contract, wish = books.contracts[algo.wish.symbol], algo.wish
    row = {
        "caid": algo.client_id,
        "aid": algo.id,
        "at": "CONDITIONAL",
        "o": wish.type,
        "s": wish.symbol,
        "S": wish.side,
        "ps": wish.position_side,
        "f": wish.time_in_force,
        "q": quantity_text(contract, wish.quantity or ZERO),
        "X": algo.status,
        "ai": str(algo.order_id) if algo.order_id else "",
        "tp": price_text(contract, wish.trigger),
        "p": price_text(contract, wish.price),
        "V": wish.self_trade,
        "wt": wish.working_type,
        "pm": "NONE",
        "cp": wish.close_position,
        "pP": wish.price_protect,
        "R": wish.reduce_only,
        "tt": algo.triggered,
        "gtd": 0,
    }
    if algo.status is AlgoStatus.REJECTED:
        row["rm"] = algo.reason
    order = books.shelf.orders.get(algo.order_id)
    if order is not None:
        row |= {
            "ap": price_text(contract, order.average),
            "aq": quantity_text(contract, order.executed),
            "act": actual_type(algo),
        }
    return {"e": "ALGO_UPDATE", "E": books.now(), "T": algo.updated, "o": row}


def actual_type(algo: Algo) -> Type:
    """Return the type of the order that a conditional one becomes."""
    kind = algo.wish.type
    return Type.LIMIT if kind in LIMITED and kind in CONDITIONAL else Type.MARKET


def account_event(
    books: Books, uid: int, reason: str, asset: str, change: Decimal, positions: Iterable[Position]
) -> Json:
    """Return ACCOUNT_UPDATE: a wallet and the positions that changed; `change` is what no trade explains."""
    balance = {
        "a": asset,
        "wb": amount_text(books.wallets[uid].amount(asset)),
        "cw": amount_text(margin.cross_wallet(books, uid, asset)),
        "bc": amount_text(change),
    }
    rows = [_position_row(books, each) for each in positions]
    now = books.now()
    return {"e": "ACCOUNT_UPDATE", "E": now, "T": now, "a": {"m": reason, "B": [balance], "P": rows}}


def config_event(books: Books, symbol: str, leverage: int) -> Json:
    """Return ACCOUNT_CONFIG_UPDATE of a leverage."""
    now = books.now()
    return {"e": "ACCOUNT_CONFIG_UPDATE", "E": now, "T": now, "ac": {"s": symbol, "l": leverage}}


def margin_call(books: Books, position: Position) -> Json:
    """Return MARGIN_CALL of one position."""
    contract, mark = books.contracts[position.symbol], books.mark(position.symbol)
    row = {
        "s": position.symbol,
        "ps": position.side,
        "pa": quantity_text(contract, position.quantity),
        "mt": "ISOLATED" if position.isolated else "CROSSED",
        "iw": amount_text(position.margin),
        "mp": price_text(contract, mark),
        "up": amount_text(position.unrealised(mark)),
        "mm": amount_text(margin.maintenance(books, position)),
    }
    event: Json = {"e": "MARGIN_CALL", "E": books.now()}
    if not position.isolated:
        event["cw"] = amount_text(margin.cross_wallet(books, position.uid, contract.asset))
    return event | {"p": [row]}


def _position_row(books: Books, position: Position) -> Json:
    contract, mark = books.contracts[position.symbol], books.mark(position.symbol)
    return {
        "s": position.symbol,
        "pa": quantity_text(contract, position.quantity),
        "ep": price_text(contract, position.entry),
        "bep": price_text(contract, position.entry),
        "cr": amount_text(position.realised),
        "up": amount_text(position.unrealised(mark)),
        "mt": "isolated" if position.isolated else "cross",
        "iw": amount_text(position.margin),
        "ps": position.side,
    }
