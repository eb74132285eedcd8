"""How an account trades and what it holds: settings, balances, positions, income."""

from __future__ import annotations

from typing import Any

from trader.exchange.embedded.api_error import ApiError, missing
from trader.exchange.embedded.signed import Call
from trader.exchange.embedded.usdm import account_answers as answers
from trader.exchange.embedded.usdm import events, margin
from trader.exchange.embedded.usdm.books import Books
from trader.exchange.embedded.usdm.wallet import Kind

Json = dict[str, Any]
DONE = {"code": 200, "msg": "success"}


class AccountDesk:
    """Reads and sets accounts in the books."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def set_mode(self, call: Call) -> Json:
        """Follow `POST positionSide/dual`: the position mode of the whole account."""
        books, uid = self._books, call.account.uid
        wanted = _flag(call, "dualSidePosition")
        if wanted == books.hedge[uid]:
            raise ApiError(-4059, "No need to change position side.")
        if books.shelf.open_orders(uid) or books.shelf.open_algos(uid):
            raise ApiError(-4067, "Position side cannot be changed if there exists open orders.")
        if books.positions(uid):
            raise ApiError(-4068, "Position side cannot be changed if there exists position.")
        books.hedge[uid] = wanted
        return DONE

    def mode(self, call: Call) -> Json:
        """Answer `GET positionSide/dual`."""
        return {"dualSidePosition": self._books.hedge[call.account.uid]}

    def set_leverage(self, call: Call) -> Json:
        """Follow `POST leverage`; an isolated position forbids less (-4161), its size may forbid more (-2027)."""
        books, uid, symbol = self._books, call.account.uid, call.params.tape().symbol
        wanted = call.params.integer("leverage")
        if wanted is None:
            raise missing("leverage")
        if not 1 <= wanted <= books.brackets.highest(symbol):
            raise ApiError(-4028, f"Leverage {wanted} is not valid")
        self._check_leverage(uid, symbol, wanted)
        setting = books.setting(uid, symbol)
        if setting.leverage != wanted:
            setting.leverage = wanted
            books.tell(uid, events.config_event(books, symbol, wanted))
        row = answers.symbol_row(books, uid, symbol)
        return {name: row[name] for name in ("symbol", "leverage", "maxNotionalValue")}

    def set_margin_type(self, call: Call) -> Json:
        """Follow `POST marginType`."""
        books, uid, symbol = self._books, call.account.uid, call.params.tape().symbol
        text = call.params.needed("marginType")
        if text not in ("ISOLATED", "CROSSED"):
            raise ApiError(-1130, "Data sent for parameter 'marginType' is not valid.")
        setting = books.setting(uid, symbol)
        if setting.isolated == (text == "ISOLATED"):
            raise ApiError(-4046, "No need to change margin type.")
        if books.shelf.open_orders(uid, symbol):
            raise ApiError(-4047, "Margin type cannot be changed if there exists open orders.")
        if books.positions(uid, symbol):
            raise ApiError(-4048, "Margin type cannot be changed if there exists position.")
        setting.isolated = text == "ISOLATED"
        return DONE

    def set_multi_assets(self, call: Call) -> Json:
        """Follow `POST multiAssetsMargin`: one asset for each position is all there is here."""
        if not _flag(call, "multiAssetsMargin"):
            raise ApiError(-4171, "No need to change multi-assets mode.")
        raise ApiError(-4167, "Unable to adjust to Multi-Assets mode: this exchange offers single-asset margin only.")

    def multi_assets(self, call: Call) -> Json:
        """Answer `GET multiAssetsMargin`."""
        return {"multiAssetsMargin": False}

    def config(self, call: Call) -> Json:
        """Answer `accountConfig`."""
        return answers.config_row(self._books, call.account, call.key.rights)

    def symbol_config(self, call: Call) -> list[Json]:
        """Answer `symbolConfig`."""
        symbols = [call.params.tape().symbol] if call.params.has("symbol") else list(self._books.contracts)
        return [answers.symbol_row(self._books, call.account.uid, symbol) for symbol in symbols]

    def brackets(self, call: Call) -> Any:
        """Answer `leverageBracket`."""
        symbols = [call.params.tape().symbol] if call.params.has("symbol") else list(self._books.contracts)
        return [self._books.brackets.row(symbol) for symbol in symbols]

    def account(self, version: int) -> Any:
        """Return what answers `account` of a version."""
        return lambda call: answers.account_row(self._books, call.account, call.key.rights, version)

    def balance(self, call: Call) -> list[Json]:
        """Answer `balance`."""
        return answers.balance_rows(self._books, call.account.uid)

    def positions(self, version: int) -> Any:
        """Return what answers `positionRisk` of a version."""

        def answer(call: Call) -> list[Json]:
            symbol = call.params.tape().symbol if call.params.has("symbol") else ""
            return answers.position_rows(self._books, call.account.uid, symbol, version)

        return answer

    def commission(self, call: Call) -> Json:
        """Answer `commissionRate`."""
        return answers.commission_row(call.account, call.params.tape().symbol)

    def income(self, call: Call) -> list[Json]:
        """Answer `income`: from a time on, oldest first."""
        params = call.params
        symbol = params.tape().symbol if params.has("symbol") else ""
        start, end = params.span()
        limit, number, kind = params.limit(100, 1_000), params.integer("page") or 1, params.text("incomeType")
        if kind and kind not in set(Kind):
            return []
        rows = [
            each
            for each in self._books.wallets[call.account.uid].incomes
            if (not kind or each.kind == kind)
            and symbol in ("", each.symbol)
            and (start is None or each.time >= start)
            and (end is None or each.time <= end)
        ]
        chosen = rows[-limit:] if start is None and number == 1 else rows[limit * (number - 1) : limit * number]
        return [answers.income_row(each) for each in chosen]

    def _check_leverage(self, uid: int, symbol: str, wanted: int) -> None:
        books = self._books
        setting, positions = books.setting(uid, symbol), books.positions(uid, symbol)
        if wanted < setting.leverage and any(each.isolated for each in positions):
            text = "Leverage reduction is not supported in Isolated Margin Mode with open positions."
            raise ApiError(-4161, text)
        worth = sum(abs(each.cost) for each in positions)
        if worth > books.brackets.cap(symbol, wanted):
            raise ApiError(-2027, "Exceeded the maximum allowable position at current leverage.")
        if wanted < setting.leverage and (positions or books.shelf.open_orders(uid, symbol)):
            self._check_lower(uid, symbol, wanted)

    def _check_lower(self, uid: int, symbol: str, wanted: int) -> None:
        """Refuse a leverage for which there is too little margin."""
        setting = self._books.setting(uid, symbol)
        before, setting.leverage = setting.leverage, wanted
        free = margin.available(self._books, uid, self._books.contracts[symbol].asset)
        setting.leverage = before
        if free < 0:
            raise ApiError(-2028, "Leverage is smaller than permitted: insufficient margin balance.")


def _flag(call: Call, name: str) -> bool:
    call.params.needed(name)
    return call.params.flag(name)
