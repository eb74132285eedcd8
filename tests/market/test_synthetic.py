"""The generated market: the same bytes however it is asked, consistent in itself, and shaped like a market."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import same_table
from trader.core.candle import EXTRA_COLUMNS
from trader.core.errors import DataError
from trader.core.instrument import Instrument
from trader.core.signal import Pattern
from trader.core.timeframe import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from trader.market.resample import resample
from trader.market.synthetic import SyntheticMarket
from trader.market.synthetic.noise import normal, uniform, words
from trader.market.synthetic.path import BLOCK_MINUTES
from trader.market.synthetic.tape import word
from trader.market.table import CandleTable
from trader.market.trades import TradeTable, candles_from_trades
from trader.patterns.geometry import batch

#: 2026-01-05 00:00 UTC.
START = 1_767_571_200_000
BLOCK_MS = BLOCK_MINUTES * MINUTE_MS
EDGE = START // BLOCK_MS * BLOCK_MS
COINS = ("BTCUSDT", "ETHUSDT", "DOGEUSDT")
S1, M1, M15 = Timeframe.SEC_1, Timeframe.MIN_1, Timeframe.MIN_15


def market(name: str = "spot", seed: int = 7, coins: tuple[str, ...] = COINS) -> SyntheticMarket:
    return SyntheticMarket(seed, coins, START, name)


def atr_share(table: CandleTable) -> float:
    """Return the median true range of 14 candles against the close."""
    before = np.concatenate((table.open[:1], table.close[:-1]))
    ranges = np.maximum(table.high, before) - np.minimum(table.low, before)
    return float(np.median(np.convolve(ranges, np.ones(14) / 14, "valid") / table.close[13:]))


def same_trades(one: TradeTable, other: TradeTable) -> bool:
    names = ("ids", "times_ms", "prices", "quantities", "is_buyer_maker")
    return all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in names)


WHOLE = market().candles("BTCUSDT", M1, START - 2 * DAY_MS, START + 3 * DAY_MS)


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([S1, Timeframe.SEC_30, M1, M15]), st.integers(-2 * 86_400, 86_400), st.integers(0, 9_000)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_span_in_any_order_gives_the_same_bytes(asked: list[tuple[Timeframe, int, int]]) -> None:
    fresh = market()
    for timeframe, at_s, length_s in asked:
        start, end = START + at_s * 1000, START + (at_s + length_s) * 1000
        part = fresh.candles("BTCUSDT", timeframe, start, end)
        assert same_table(part, market().candles("BTCUSDT", timeframe, start, end))
        assert len(part) == len(range(-(-start // timeframe.ms), -(-end // timeframe.ms)))
        if timeframe.ms >= MINUTE_MS:
            assert same_table(part, resample(WHOLE, timeframe).between(start, end))


def test_a_coin_does_not_depend_on_the_others_and_every_seed_is_another_market() -> None:
    alone = market(coins=("ETHUSDT",)).candles("ETHUSDT", M1, START, START + HOUR_MS)
    assert same_table(alone, market().candles("ETHUSDT", M1, START, START + HOUR_MS))
    other = market(seed=8).candles("ETHUSDT", M1, START, START + HOUR_MS)
    assert not (alone.close == other.close).all()


@pytest.mark.parametrize("name", ["spot", "futures"])
@pytest.mark.parametrize("coin", COINS)
def test_every_longer_candle_is_the_resampled_shorter_one(name: str, coin: str) -> None:
    generated = market(name)
    start, end = START - 4 * HOUR_MS, START + 4 * HOUR_MS
    seconds = generated.candles(coin, S1, start, end)
    for timeframe in list(Timeframe)[:-1]:
        assert same_table(resample(seconds, timeframe), generated.candles(coin, timeframe, start, end))
    days = generated.candles(coin, Timeframe.DAY_1, START - 3 * DAY_MS, START)
    hours = generated.candles(coin, Timeframe.HOUR_1, START - 3 * DAY_MS, START)
    assert same_table(resample(hours, Timeframe.DAY_1), days)
    assert len(days) == 3


def on_grid(values: np.ndarray, unit: str) -> bool:
    return all(Decimal(repr(value)) % Decimal(unit) == 0 for value in values.tolist())


def filters_of(entry: dict[str, Any]) -> dict[str, str]:
    found = {
        name: value
        for each in entry["filters"]
        for name, value in each.items()
        if each["filterType"] != "MARKET_LOT_SIZE"
    }
    least = {"minNotional": found.get("minNotional") or found["notional"]}
    return {name: found[name] for name in ("tickSize", "stepSize", "minQty")} | least


@pytest.mark.parametrize("name", ["spot", "futures"])
def test_prices_are_on_the_tick_and_quantities_on_the_step(name: str) -> None:
    generated = market(name)
    for entry in generated.exchange_info()["symbols"]:
        filters = filters_of(entry)
        candles = generated.candles(entry["symbol"], M1, START, START + 2 * HOUR_MS)
        for column in ("open", "high", "low", "close"):
            assert on_grid(getattr(candles, column), filters["tickSize"])
        for column in ("volume", "taker_buy_volume"):
            assert on_grid(getattr(candles, column), filters["stepSize"])
        unit = str(Decimal(filters["tickSize"]) * Decimal(filters["stepSize"]))
        for column in ("quote_volume", "taker_buy_quote_volume"):
            assert on_grid(getattr(candles, column), unit)


@pytest.mark.parametrize("coin", COINS)
def test_candles_are_possible_and_join_each_other(coin: str) -> None:
    candles = market().candles(coin, M1, EDGE - DAY_MS, EDGE + DAY_MS)
    assert candles.present() == EXTRA_COLUMNS
    assert (candles.low <= np.minimum(candles.open, candles.close)).all()
    assert (candles.high >= np.maximum(candles.open, candles.close)).all()
    assert (candles.low > 0).all()
    assert (candles.count >= 8).all()
    assert (candles.taker_buy_volume <= candles.volume).all()
    assert (candles.taker_buy_quote_volume <= candles.quote_volume).all()
    jumps = np.abs(candles.open[1:] / candles.close[:-1] - 1)
    assert jumps.max() < 0.003


def test_a_second_without_trades_is_flat() -> None:
    seconds = market().candles("BTCUSDT", S1, START, START + HOUR_MS)
    still = seconds.count == 0
    assert 0.2 < still.mean() < 0.8
    assert (seconds.high[still] == seconds.low[still]).all()
    before = np.flatnonzero(still[1:]) + 1
    assert (seconds.open[before] == seconds.close[before - 1]).all()


def test_trades_have_ids_without_holes_and_ascend_in_time_also_between_blocks() -> None:
    trades = market().trades("BTCUSDT", EDGE - 3 * HOUR_MS, EDGE + 3 * HOUR_MS)
    assert (np.diff(trades.ids) == 1).all()
    assert (np.diff(trades.times_ms) >= 0).all()
    assert trades.times_ms[0] >= EDGE - 3 * HOUR_MS
    assert trades.times_ms[-1] < EDGE + 3 * HOUR_MS
    assert len(trades) > 36 * 60 * 2


def test_trades_make_the_candles() -> None:
    generated = market()
    start, end = START + 17_000, START + 600_000
    trades = generated.trades("ETHUSDT", START, end)
    made = candles_from_trades(
        "ETHUSDT",
        S1,
        trades.times_ms,
        trades.prices,
        trades.quantities,
        trades.is_buyer_maker,
        start,
        end,
        ids=trades.ids,
    )
    assert same_table(made, generated.candles("ETHUSDT", S1, start, end))


def test_trades_of_a_part_are_those_of_the_whole() -> None:
    whole = market().trades("BTCUSDT", START, START + HOUR_MS)
    part = market().trades("BTCUSDT", START + 61_500, START + 125_000)
    first, last = np.searchsorted(whole.times_ms, (START + 61_500, START + 125_000))
    names = ("ids", "times_ms", "prices", "quantities", "is_buyer_maker")
    assert same_trades(part, TradeTable("BTCUSDT", *(getattr(whole, name)[first:last] for name in names)))


def test_nothing_is_asked_nothing_comes() -> None:
    assert len(market().candles("BTCUSDT", M1, START, START)) == 0
    assert len(market().candles("BTCUSDT", M1, START + 1, START + 2)) == 0
    assert len(market().trades("BTCUSDT", START, START)) == 0
    assert market().funding("BTCUSDT", START, START) == []


def test_prices_begin_where_they_are_listed_and_stay_in_bounds_for_years() -> None:
    generated = market()
    assert generated.candles("BTCUSDT", M1, START, START + MINUTE_MS).open[0] == pytest.approx(97_000, rel=0.003)
    assert generated.candles("ETHUSDT", M1, START, START + MINUTE_MS).open[0] == pytest.approx(3_350, rel=0.003)
    for years in (-5, -2, 1, 4, 9):
        day = START + years * 365 * DAY_MS
        candles = generated.candles("BTCUSDT", M1, day, day + DAY_MS)
        assert len(candles) == 1440
        assert 30_000 < candles.low.min() < candles.high.max() < 300_000


def test_history_reaches_back_for_any_preload() -> None:
    hours = market().candles("BTCUSDT", Timeframe.HOUR_1, START - 60 * DAY_MS, START)
    assert len(hours) == 60 * 24


def test_memory_does_not_grow_with_what_was_asked() -> None:
    generated = market()
    for day in range(-300, 0):
        generated.candles("BTCUSDT", M1, START + day * DAY_MS, START + (day + 1) * DAY_MS)
    assert generated.cached_days <= 128 + 2 * len(COINS)


MONTH = {coin: market().candles(coin, M1, START, START + 28 * DAY_MS) for coin in COINS}


def test_volatility_is_a_coins_own() -> None:
    assert 0.0005 < atr_share(MONTH["BTCUSDT"]) < 0.0015
    assert 0.0020 < atr_share(resample(MONTH["BTCUSDT"], M15)) < 0.0080
    assert atr_share(MONTH["BTCUSDT"]) < atr_share(MONTH["ETHUSDT"]) < atr_share(MONTH["DOGEUSDT"])


def test_coins_move_together_but_are_not_the_same() -> None:
    returns = np.array([np.diff(np.log(resample(MONTH[coin], Timeframe.MIN_5).close)) for coin in COINS])
    correlation = np.corrcoef(returns)
    assert ((correlation > 0.2) & (correlation < 0.97))[np.triu_indices(3, 1)].all()


def test_volatility_and_volume_come_in_clusters() -> None:
    moves = np.abs(np.diff(np.log(MONTH["BTCUSDT"].close)))
    assert np.corrcoef(moves[:-1], moves[1:])[0, 1] > 0.1
    assert np.corrcoef(moves[:-30], moves[30:])[0, 1] > 0.05
    assert np.corrcoef(moves, MONTH["BTCUSDT"].volume[1:])[0, 1] > 0.4


def test_every_chart_pattern_occurs() -> None:
    found = np.zeros(len(Pattern), np.int64)
    for candles in MONTH.values():
        before = np.concatenate((candles.open[:1], candles.close[:-1]))
        ranges = np.maximum(candles.high, before) - np.minimum(candles.low, before)
        atr = np.convolve(ranges, np.ones(14) / 14)[: len(ranges)]
        scores = batch(candles.open, candles.high, candles.low, candles.close, candles.volume, atr)[:, : len(Pattern)]
        found += (scores >= 0.65).sum(axis=0)
    assert (found >= 3).all(), dict(zip(Pattern, found.tolist(), strict=True))


def test_funding_comes_every_8_hours() -> None:
    rates = market("futures").funding("BTCUSDT", START, START + 30 * DAY_MS)
    assert [time for time, _ in rates] == list(range(START, START + 30 * DAY_MS, 8 * HOUR_MS))
    assert all(abs(rate) < 0.001 and rate == round(rate, 8) for _, rate in rates)
    assert len({rate for _, rate in rates}) > 10
    assert rates[3:5] == market("futures").funding("BTCUSDT", rates[3][0], rates[5][0])


@pytest.mark.parametrize("name", ["spot", "futures"])
def test_exchange_info_makes_instruments_that_can_be_traded(name: str) -> None:
    info = market(name).exchange_info()
    assert [entry["symbol"] for entry in info["symbols"]] == list(COINS)
    for entry in info["symbols"]:
        assert entry["status"] == "TRADING"
        assert (entry["baseAsset"] + entry["quoteAsset"]) == entry["symbol"]
        kinds = {each["filterType"] for each in entry["filters"]}
        assert {"PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE"} < kinds
        assert ("NOTIONAL" in kinds, "MIN_NOTIONAL" in kinds) == (name == "spot", name == "futures")
        price = market(name).candles(entry["symbol"], M1, START, START + MINUTE_MS).close[0]
        instrument = Instrument.from_filters(entry["symbol"], filters_of(entry))
        assert instrument.tradable(instrument.cut_quantity(200 / price), price)
    assert {limit["rateLimitType"] for limit in info["rateLimits"]} >= {"REQUEST_WEIGHT", "ORDERS"}


def test_markets_have_their_own_filters() -> None:
    both = market("spot")
    spot, futures = (filters_of(both.exchange_info(name)["symbols"][0]) for name in ("spot", "futures"))
    assert {name: Decimal(value) for name, value in spot.items()} == {
        "tickSize": Decimal("0.01"),
        "stepSize": Decimal("0.00001"),
        "minQty": Decimal("0.00001"),
        "minNotional": Decimal(5),
    }
    assert futures == {"tickSize": "0.1", "stepSize": "0.001", "minQty": "0.001", "minNotional": "50"}
    assert market("futures").exchange_info()["symbols"][0]["contractType"] == "PERPETUAL"


def test_a_symbol_that_is_not_listed_is_refused() -> None:
    for ask in (market().candles, lambda symbol, _, start, end: market().trades(symbol, start, end)):
        with pytest.raises(DataError, match="SOLUSDT is not on the generated market"):
            ask("SOLUSDT", M1, START, START + MINUTE_MS)


def test_random_numbers_are_uniform_normal_and_the_same_compiled() -> None:
    positions = np.arange(100_000, dtype=np.int64)
    key = np.uint64(12345678901234567890)
    drawn, shocks = uniform(key, positions), normal(key, positions)
    assert (drawn.min() >= 0, drawn.max() < 1) == (True, True)
    assert drawn.mean() == pytest.approx(0.5, abs=0.01)
    assert (shocks.mean(), shocks.std()) == (pytest.approx(0, abs=0.02), pytest.approx(1, abs=0.02))
    assert abs(np.corrcoef(shocks[:-1], shocks[1:])[0, 1]) < 0.02
    assert [int(word(key, np.uint64(position))) for position in range(50)] == words(key, positions[:50]).tolist()
