"""What is kept of USD-M's trading side over the exchange's own end, and how it goes on from that."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from trader.exchange.embedded.matching.matcher import Matcher
from trader.exchange.embedded.usdm.books import Books, Setting
from trader.exchange.embedded.usdm.funding import Funding
from trader.exchange.embedded.usdm.orders import Algo, Order
from trader.exchange.embedded.usdm.positions import Position
from trader.exchange.embedded.usdm.wallet import Income, Wallet

#: Orders that have ended, and movements of money, that are kept for who asks for them late.
ENDED, INCOMES = 200, 1_000


class WalletState(msgspec.Struct, frozen=True):
    """One wallet with its last movements, and the next number of one."""

    amounts: dict[str, Decimal]
    incomes: list[Income]
    updated: dict[str, int]
    coming: int


class UsdmState(msgspec.Struct, frozen=True):
    """Wallets and position modes by account, settings by account and symbol, every position; open orders, conditional
    ones and the last that ended; the next numbers of orders and trades; up to when prices were judged, and funding
    was paid, ms."""

    wallets: dict[int, WalletState]
    hedge: dict[int, bool]
    settings: list[tuple[int, str, Setting]]
    positions: list[Position]
    orders: list[Order]
    algos: list[Algo]
    numbers: tuple[int, int]
    until: dict[str, int]
    paid_until: int


class UsdmKeep:
    """Reads the state of `books`, or puts it in place of what they begin with."""

    def __init__(self, books: Books, matcher: Matcher, funding: Funding) -> None:
        self._books = books
        self._matcher = matcher
        self._funding = funding

    def state(self) -> bytes:
        """Return all that is to be kept."""
        books = self._books
        shelf = books.shelf
        every = [*list(shelf.orders.values())[-ENDED:], *list(shelf.algos.values())[-ENDED:], *shelf.every_open()]
        kept = {each.id: each for each in every}
        numbered = [kept[number] for number in sorted(kept)]
        state = UsdmState(
            {uid: _wallet_state(wallet) for uid, wallet in books.wallets.items()},
            books.hedge,
            [(uid, symbol, setting) for (uid, symbol), setting in books.every_setting().items()],
            books.every_position(),
            [each for each in numbered if isinstance(each, Order)],
            [each for each in numbered if isinstance(each, Algo)],
            (books.ids.coming, books.trade_ids.coming),
            self._matcher.until,
            self._funding.until,
        )
        return msgspec.msgpack.encode(state)

    def take_up(self, encoded: bytes) -> None:
        """Go on with what was kept; raise `MsgspecError` where it is none."""
        state = msgspec.msgpack.decode(encoded, type=UsdmState)
        books = self._books
        for uid in books.wallets.keys() & state.wallets.keys():
            _put_wallet(books.wallets[uid], state.wallets[uid])
            books.hedge[uid] = state.hedge[uid]
        books.take_up(state.positions, {(uid, symbol): setting for uid, symbol, setting in state.settings})
        books.shelf.add_again(state.orders)
        for algo in state.algos:
            books.shelf.add_algo(algo)
        books.ids.coming, books.trade_ids.coming = state.numbers
        self._matcher.until.update(state.until)
        self._funding.until = max(self._funding.until, state.paid_until)


def _wallet_state(wallet: Wallet) -> WalletState:
    return WalletState(wallet.amounts, wallet.incomes[-INCOMES:], wallet.updated, wallet.ids.coming)


def _put_wallet(wallet: Wallet, state: WalletState) -> None:
    wallet.amounts, wallet.incomes, wallet.updated = state.amounts, list(state.incomes), state.updated
    wallet.ids.coming = state.coming
