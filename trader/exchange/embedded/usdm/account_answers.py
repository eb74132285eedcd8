"""Answers about an account and its positions as Binance words them; v3 has less than v2."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trader.exchange.embedded.accounts.account import Account, Right
from trader.exchange.embedded.accounts.decimals import ZERO
from trader.exchange.embedded.usdm import margin
from trader.exchange.embedded.usdm.books import MARKET, Books
from trader.exchange.embedded.usdm.orders import PositionSide
from trader.exchange.embedded.usdm.positions import Position
from trader.exchange.embedded.usdm.wallet import Income
from trader.exchange.embedded.usdm.words import amount_text, number, price_text, quantity_text

Json = dict[str, Any]
#: Sums over the assets of an account, by the names of the sum and of the asset's own.
TOTALS = {
    "totalInitialMargin": "initialMargin",
    "totalMaintMargin": "maintMargin",
    "totalWalletBalance": "walletBalance",
    "totalUnrealizedProfit": "unrealizedProfit",
    "totalMarginBalance": "marginBalance",
    "totalPositionInitialMargin": "positionInitialMargin",
    "totalOpenOrderInitialMargin": "openOrderInitialMargin",
    "totalCrossWalletBalance": "crossWalletBalance",
    "totalCrossUnPnl": "crossUnPnl",
    "availableBalance": "availableBalance",
    "maxWithdrawAmount": "maxWithdrawAmount",
}
#: Assets that positions are kept with; those of an account are summed of these alone.
STABLE = ("USDT", "USDC")
V2_ONLY_ASSET = ("marginAvailable",)


def account_row(books: Books, account: Account, rights: frozenset[Right], version: int) -> Json:
    """Return `account` of version 2 or 3."""
    assets = [_asset_row(books, account.uid, asset) for asset in books.wallets[account.uid].amounts]
    counted = [row for row in assets if row["asset"] in STABLE]
    totals = {total: _sum(row[own] for row in counted) for total, own in TOTALS.items()}
    positions = _all_positions(books, account.uid) if version == 2 else books.positions(account.uid)
    rows = [_account_position(books, each, version) for each in positions]
    if version == 3:
        assets = [{name: value for name, value in row.items() if name not in V2_ONLY_ASSET} for row in assets]
        return totals | {"assets": assets, "positions": rows}
    head = config_row(books, account, rights)
    del head["dualSidePosition"]
    return head | {"feeBurn": False} | totals | {"assets": assets, "positions": rows}


def balance_rows(books: Books, uid: int) -> list[Json]:
    """Return `balance`."""
    names = ("asset", "crossWalletBalance", "crossUnPnl", "availableBalance", "maxWithdrawAmount", "marginAvailable")
    rows = []
    for asset in books.wallets[uid].amounts:
        full = _asset_row(books, uid, asset)
        own = {name: full[name] for name in (*names, "updateTime")}
        rows.append({"accountAlias": "embedded", "balance": full["walletBalance"]} | own)
    return rows


def position_rows(books: Books, uid: int, symbol: str, version: int) -> list[Json]:
    """Return `positionRisk`: version 3 has what is held only, version 2 every symbol."""
    if version == 3:
        return [_risk(books, each) | _margins(books, each) for each in books.positions(uid, symbol)]
    every = [each for each in _all_positions(books, uid) if symbol in ("", each.symbol)]
    return [_risk(books, each) | _settings(books, each) for each in every]


def config_row(books: Books, account: Account, rights: frozenset[Right]) -> Json:
    """Return `accountConfig`."""
    return {
        "feeTier": 0,
        "canTrade": Right.FUTURES in rights,
        "canDeposit": True,
        "canWithdraw": Right.WITHDRAW in rights,
        "dualSidePosition": books.hedge[account.uid],
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
    }


def symbol_row(books: Books, uid: int, symbol: str) -> Json:
    """Return a row of `symbolConfig`."""
    setting = books.setting(uid, symbol)
    return {
        "symbol": symbol,
        "marginType": "ISOLATED" if setting.isolated else "CROSSED",
        "isAutoAddMargin": False,
        "leverage": setting.leverage,
        "maxNotionalValue": number(books.brackets.cap(symbol, setting.leverage), 0),
    }


def commission_row(account: Account, symbol: str) -> Json:
    """Return `commissionRate`."""
    rates = account.rates[MARKET]
    return {
        "symbol": symbol,
        "makerCommissionRate": number(rates.maker, 4),
        "takerCommissionRate": number(rates.taker, 4),
        "rpiCommissionRate": number(rates.maker, 4),
    }


def income_row(income: Income) -> Json:
    """Return a row of `income`."""
    return {
        "symbol": income.symbol,
        "incomeType": income.kind,
        "income": amount_text(income.amount),
        "asset": income.asset,
        "info": str(income.trade_id) if income.trade_id else income.kind.value,
        "time": income.time,
        "tranId": income.id,
        "tradeId": str(income.trade_id) if income.trade_id else "",
    }


def _asset_row(books: Books, uid: int, asset: str) -> Json:
    wallet, positions = books.wallets[uid].amount(asset), list(margin.of_asset(books, uid, asset))
    unrealised = sum((each.unrealised(books.mark(each.symbol)) for each in positions), ZERO)
    own = sum((margin.initial(books, each) for each in positions), ZERO)
    kept = sum((margin.maintenance(books, each) for each in positions), ZERO)
    symbols = [name for name, contract in books.contracts.items() if contract.asset == asset]
    orders = sum((margin.order_margin(books, uid, symbol) for symbol in symbols), ZERO)
    free = amount_text(max(ZERO, margin.available(books, uid, asset)))
    return {
        "asset": asset,
        "walletBalance": amount_text(wallet),
        "unrealizedProfit": amount_text(unrealised),
        "marginBalance": amount_text(wallet + unrealised),
        "maintMargin": amount_text(kept),
        "initialMargin": amount_text(own + orders),
        "positionInitialMargin": amount_text(own),
        "openOrderInitialMargin": amount_text(orders),
        "crossWalletBalance": amount_text(margin.cross_wallet(books, uid, asset)),
        "crossUnPnl": amount_text(margin.cross_unrealised(books, uid, asset)),
        "availableBalance": free,
        "maxWithdrawAmount": free,
        "marginAvailable": True,
        "updateTime": books.wallets[uid].updated.get(asset, 0),
    }


def _all_positions(books: Books, uid: int) -> list[Position]:
    sides = (PositionSide.LONG, PositionSide.SHORT) if books.hedge[uid] else (PositionSide.BOTH,)
    return [books.position(uid, symbol, side) for symbol in books.contracts for side in sides]


def _risk(books: Books, position: Position) -> Json:
    contract, mark = books.contracts[position.symbol], books.mark(position.symbol)
    level = max(ZERO, margin.liquidation_price(books, position)) if position.quantity else ZERO
    return {
        "symbol": position.symbol,
        "positionSide": position.side,
        "positionAmt": quantity_text(contract, position.quantity),
        "entryPrice": number(position.entry, 1),
        "breakEvenPrice": number(position.entry, 1),
        "markPrice": amount_text(mark),
        "unRealizedProfit": amount_text(position.unrealised(mark)),
        "liquidationPrice": price_text(contract, level),
        "isolatedMargin": _isolated_margin(position, mark),
        "notional": amount_text(position.quantity * mark),
        "isolatedWallet": amount_text(position.margin) if position.margin else "0",
        "updateTime": position.updated,
    }


def _margins(books: Books, position: Position) -> Json:
    own = amount_text(margin.initial(books, position))
    return {
        "marginAsset": books.contracts[position.symbol].asset,
        "initialMargin": own,
        "maintMargin": amount_text(margin.maintenance(books, position)),
        "positionInitialMargin": own,
        "openOrderInitialMargin": "0",
        "adl": 1,
        "bidNotional": "0",
        "askNotional": "0",
    }


def _settings(books: Books, position: Position) -> Json:
    row = symbol_row(books, position.uid, position.symbol)
    return {
        "marginType": "isolated" if row["marginType"] == "ISOLATED" else "cross",
        "isAutoAddMargin": "false",
        "leverage": str(row["leverage"]),
        "maxNotionalValue": row["maxNotionalValue"],
    }


def _account_position(books: Books, position: Position, version: int) -> Json:
    mark, contract = books.mark(position.symbol), books.contracts[position.symbol]
    row = {
        "symbol": position.symbol,
        "positionSide": position.side,
        "positionAmt": quantity_text(contract, position.quantity),
        "unrealizedProfit": amount_text(position.unrealised(mark)),
        "initialMargin": amount_text(margin.initial(books, position)),
        "maintMargin": amount_text(margin.maintenance(books, position)) if position.quantity else "0",
        "updateTime": position.updated,
    }
    if version == 3:
        return row | {
            "isolatedMargin": _isolated_margin(position, mark),
            "notional": amount_text(position.quantity * mark),
            "isolatedWallet": amount_text(position.margin) if position.margin else "0",
        }
    setting = symbol_row(books, position.uid, position.symbol)
    return row | {
        "positionInitialMargin": row["initialMargin"],
        "openOrderInitialMargin": "0",
        "leverage": str(setting["leverage"]),
        "isolated": setting["marginType"] == "ISOLATED",
        "entryPrice": number(position.entry, 1),
        "maxNotional": setting["maxNotionalValue"],
        "bidNotional": "0",
        "askNotional": "0",
    }


def _isolated_margin(position: Position, mark: Decimal) -> str:
    """Return what an isolated position is worth: its margin and what it has gained."""
    return amount_text(position.margin + position.unrealised(mark)) if position.isolated and position.quantity else "0"


def _sum(texts: Any) -> str:
    return amount_text(sum(map(Decimal, texts), ZERO))
