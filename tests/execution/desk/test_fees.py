"""Fees as the exchange really takes them: pool and account agree to the last digit, and dust is sold in the end."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.exchange.embedded.traders import QUIET, trading
from tests.execution.desk.rigs import SYMBOL
from tests.execution.kept import Kept, Life, kept
from tests.trading.worlds import wish
from trader.core.order import Fill
from trader.core.signal import Pattern
from trader.core.venue import Commission
from trader.exchange.binance.account_rest import AccountRest
from trader.execution.client_ids import Purpose
from trader.execution.desk.booking import Prices

FALL = (100.0, 100.1, 99.0, 99.2)
BACK = (99.2, 100.0, 99.2, 100.0)
CAPITAL = 9_876.0


async def ask_commission(world: Kept) -> Commission:
    """Let fees be booked with the commission that the account itself tells, and return that."""
    told = await AccountRest(world.world.client).commission(SYMBOL)
    world.world.prices[SYMBOL] = Prices("BTC", "USDT", told)
    world.begin(world.logic, Life())
    return told


async def trade(world: Kept) -> None:
    """Enter and be stopped."""
    await world.minute(*QUIET, sees=[wish(pattern=Pattern.DOUBLE_BOTTOM)])
    await world.minute(*FALL)
    assert not world.logic.book.trades


def gained(world: Kept) -> float:
    return world.logic.book.pool.free - CAPITAL


def last_digits(world: Kept) -> float:
    """Return what amounts may differ by: each execution's is rounded to the account's last digit, half a spread away
    from the tick as prices are here."""
    return 1e-8 * len(world.notebook.fills)


async def test_fees_in_the_coin_that_is_bought_leave_dust_and_the_books_exact() -> None:
    async with kept(FALL, BACKTEST_INITIAL_CAPITAL=CAPITAL) as world:
        await ask_commission(world)
        await trade(world)
        balances = await world.world.balances()
        assert balances["BTC"] == world.world.desk.dust.of("BTC") > 0
        assert gained(world) == pytest.approx(float(balances["USDT"] - 10_000), abs=last_digits(world))


async def test_dust_fills_up_the_next_position_and_is_sold_with_it() -> None:
    async with kept(FALL, BACK, QUIET, FALL, BACK, QUIET, FALL, BACKTEST_INITIAL_CAPITAL=CAPITAL) as world:
        carried = []
        for _ in range(3):
            await trade(world)
            balances, desk = await world.world.balances(), world.world.desk
            assert balances.get("BTC", Decimal(0)) == desk.dust.of("BTC") < Decimal("0.002")
            assert gained(world) == pytest.approx(float(balances["USDT"] - 10_000), abs=last_digits(world))
            carried += [each for each in world.notebook.dust if each.quantity < 0]
            await world.minute(*BACK)
        assert carried
        ordered = [each for each in world.notebook.orders if each.client_id.split("-")[3].startswith(Purpose.ENTRY)]
        most = {each.position_id: Decimal(each.wire["quantity"]) for each in ordered}
        entries = [each for each in world.world.events if isinstance(each, Fill) and each.role == "entry"]
        assert all(Decimal(repr(each.quantity)) <= most[each.position_id] for each in entries)


async def test_fees_in_bnb_are_booked_at_what_the_account_says_that_they_are() -> None:
    money = trading("USDT=10000,BNB=1", pays_in_bnb=True)
    symbols = (SYMBOL, "BNBUSDT")
    async with kept(FALL, money=money, symbols=symbols, BACKTEST_INITIAL_CAPITAL=CAPITAL) as world:
        told = await ask_commission(world)
        assert (told.discount_asset, told.discount) == ("BNB", Decimal("0.75"))
        await trade(world)
        balances = await world.world.balances()
        fees = sum(each.fee for each in world.world.events if isinstance(each, Fill))
        assert "BTC" not in balances
        assert gained(world) + fees == pytest.approx(float(balances["USDT"] - 10_000), abs=last_digits(world))
        worth = sum(each.quantity * each.price for each in world.notebook.fills) * Decimal("0.00075")
        assert fees == pytest.approx(float(worth), rel=1e-12)
