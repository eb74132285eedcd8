"""Answers about an account -> words of ours. Amounts are decimals; rows of nothing are left out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from trader.core.account import ZERO, PositionSide
from trader.core.errors import DataError
from trader.core.venue import (
    Account,
    AccountConfig,
    Balance,
    Bracket,
    Commission,
    Income,
    KeyRights,
    Position,
    SymbolConfig,
)
from trader.exchange.binance.decimals import Number, amount, converted, guarded
from trader.exchange.binance.order_words import position_side_of


class _SpotBalance(msgspec.Struct):
    asset: str
    free: Number = None
    locked: Number = None


class _SpotAccount(msgspec.Struct):
    balances: list[_SpotBalance]
    canTrade: bool = True
    canWithdraw: bool = False


class _FuturesBalance(msgspec.Struct):
    asset: str
    balance: Number = None
    availableBalance: Number = None


class _Position(msgspec.Struct):
    symbol: str
    positionAmt: Number
    entryPrice: Number = None
    markPrice: Number = None
    liquidationPrice: Number = None
    unRealizedProfit: Number = None
    isolatedMargin: Number = None
    positionSide: str = ""
    updateTime: int = 0


class _SymbolConfig(msgspec.Struct):
    symbol: str
    leverage: int
    marginType: str


class _AccountConfig(msgspec.Struct):
    dualSidePosition: bool
    canTrade: bool = True
    multiAssetsMargin: bool = False


class _Rates(msgspec.Struct):
    maker: Number = None
    taker: Number = None


class _Discount(msgspec.Struct):
    enabledForAccount: bool = False
    enabledForSymbol: bool = False
    discountAsset: str = ""
    discount: Number = None


class _SpotCommission(msgspec.Struct):
    symbol: str
    standardCommission: _Rates
    specialCommission: _Rates | None = None
    taxCommission: _Rates | None = None
    discount: _Discount | None = None


class _FuturesCommission(msgspec.Struct):
    symbol: str
    makerCommissionRate: Number
    takerCommissionRate: Number


class _Bracket(msgspec.Struct):
    initialLeverage: int
    notionalCap: Number
    notionalFloor: Number
    maintMarginRatio: Number
    cum: Number = None


class _Brackets(msgspec.Struct):
    symbol: str
    brackets: list[_Bracket]


class _Income(msgspec.Struct):
    incomeType: str
    income: Number
    asset: str
    time: int
    tranId: int = 0
    symbol: str = ""


class _Rights(msgspec.Struct):
    enableWithdrawals: bool
    enableSpotAndMarginTrading: bool = False
    enableFutures: bool = False
    ipRestrict: bool = False
    enableInternalTransfer: bool = False
    permitsUniversalTransfer: bool = False


def spot_account(answer: object) -> Account:
    """Return a spot account."""
    told = converted(answer, _SpotAccount, "account")
    balances = guarded("account", lambda: [_balance(each) for each in told.balances])
    return Account(told.canTrade, told.canWithdraw, {each.asset: each for each in balances if each.total})


def _balance(row: _SpotBalance) -> Balance:
    free, locked = amount(row.free), amount(row.locked)
    return Balance(row.asset, free, locked, free + locked)


def futures_account(balances: object, config: AccountConfig) -> Account:
    """Return a futures account from its balances and its configuration; such a key says nothing of withdrawals."""
    rows = converted(balances, list[_FuturesBalance], "balance")
    every = guarded("balance", lambda: [_wallet(each) for each in rows])
    return Account(config.can_trade, False, {each.asset: each for each in every if each.total})


def _wallet(row: _FuturesBalance) -> Balance:
    total, free = amount(row.balance), amount(row.availableBalance)
    return Balance(row.asset, free, max(ZERO, total - free), total)


def positions(answer: object) -> list[Position]:
    """Return the positions that are not flat."""
    rows = converted(answer, list[_Position], "positionRisk")
    return guarded("positionRisk", lambda: [_position(row) for row in rows if amount(row.positionAmt)])


def _position(row: _Position) -> Position:
    side = position_side_of(row.positionSide)
    quantity = amount(row.positionAmt)
    return Position(
        row.symbol,
        side,
        -abs(quantity) if side is PositionSide.SHORT else quantity,
        amount(row.entryPrice),
        amount(row.markPrice),
        amount(row.liquidationPrice),
        amount(row.unRealizedProfit),
        amount(row.isolatedMargin),
        row.updateTime,
    )


def symbol_configs(answer: object) -> dict[str, SymbolConfig]:
    """Return leverage and margin type by symbol."""
    rows = converted(answer, list[_SymbolConfig], "symbolConfig")
    return {row.symbol: SymbolConfig(row.symbol, row.leverage, row.marginType == "ISOLATED") for row in rows}


def account_config(answer: object) -> AccountConfig:
    """Return how the account is traded."""
    told = converted(answer, _AccountConfig, "accountConfig")
    return AccountConfig(told.canTrade, told.dualSidePosition, told.multiAssetsMargin)


def spot_commission(answer: object) -> Commission:
    """Return the fees of a spot symbol: what is standard, special and tax together; a discount is of the standard."""
    told = converted(answer, _SpotCommission, "account/commission")
    parts = [each for each in (told.standardCommission, told.specialCommission, told.taxCommission) if each]
    maker = sum((amount(each.maker) for each in parts), ZERO)
    taker = sum((amount(each.taker) for each in parts), ZERO)
    discount = told.discount
    if discount is None or not (discount.enabledForAccount and discount.enabledForSymbol):
        return Commission(told.symbol, maker, taker)
    return Commission(told.symbol, maker, taker, amount(discount.discount) or Decimal(1), discount.discountAsset)


def futures_commission(answer: object) -> Commission:
    """Return the fees of a futures symbol."""
    told = converted(answer, _FuturesCommission, "commissionRate")
    return guarded(
        "commissionRate",
        lambda: Commission(told.symbol, amount(told.makerCommissionRate), amount(told.takerCommissionRate)),
    )


def brackets(answer: object) -> dict[str, tuple[Bracket, ...]]:
    """Return the leverage brackets by symbol, smallest notional first; one symbol may come without its list."""
    rows = converted(answer if isinstance(answer, list) else [answer], list[_Brackets], "leverageBracket")
    return guarded("leverageBracket", lambda: {row.symbol: _steps(row.brackets) for row in rows})


def _steps(rows: list[_Bracket]) -> tuple[Bracket, ...]:
    steps = [
        Bracket(
            amount(row.notionalFloor),
            amount(row.notionalCap),
            row.initialLeverage,
            amount(row.maintMarginRatio),
            amount(row.cum),
        )
        for row in rows
    ]
    return tuple(sorted(steps, key=lambda each: each.floor))


def incomes(answer: object) -> list[Income]:
    """Return what came and went, oldest first."""
    rows = converted(answer, list[_Income], "income")
    every = guarded("income", lambda: [_income(row) for row in rows])
    return sorted(every, key=lambda each: each.time)


def _income(row: _Income) -> Income:
    return Income(row.tranId, row.incomeType, row.asset, amount(row.income), row.time, row.symbol)


def key_rights(answer: object) -> KeyRights:
    """Return what a key may do; an answer that says nothing of withdrawals is malformed, not a no."""
    told = converted(answer, _Rights, "apiRestrictions")
    return KeyRights(
        spot=told.enableSpotAndMarginTrading,
        futures=told.enableFutures,
        withdraw=told.enableWithdrawals,
        ip_restricted=told.ipRestrict,
        transfer=told.enableInternalTransfer or told.permitsUniversalTransfer,
    )


def listen_key(answer: Any) -> str:
    """Return the key of a private stream."""
    key = answer.get("listenKey") if isinstance(answer, dict) else answer
    if not isinstance(key, str) or not key:
        raise DataError("malformed answer to listenKey: there is no key in it")
    return key
