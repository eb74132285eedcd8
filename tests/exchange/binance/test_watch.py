"""Late streams, on the market's clock."""

from __future__ import annotations

from tests.builders import START_MS
from tests.exchange.binance.frames import kline, wrap
from trader.exchange.binance.codec import decode
from trader.exchange.binance.messages import KlineMessage, Message
from trader.exchange.binance.pace import Backoff, RateWindow
from trader.exchange.binance.watch import Late, MarketClock, StreamWatch

BTC, ETH = "btcusdt@kline_1m", "ethusdt@kline_1m"
STALE_MS = 15_000
MINUTE = 60_000


class Scene:
    """A watch, and messages that move the market's clock."""

    def __init__(self, *streams: str) -> None:
        self.watch = StreamWatch(MarketClock(), STALE_MS)
        self.watch.add(streams)

    def hear(self, frame: bytes) -> bool:
        message: Message = decode(frame)
        return self.watch.candle(message) if isinstance(message, KlineMessage) else self.watch.other(message)

    def closes(self, symbol: str, at: int) -> bool:
        return self.hear(kline(symbol=symbol, at=at))

    def talks(self, symbol: str, time_ms: int) -> bool:
        return self.hear(kline(symbol=symbol, at=time_ms // MINUTE, closed=False, event_ms=START_MS + time_ms))

    def look(self) -> Late:
        """Look twice: once is no proof."""
        self.watch.look()
        return self.watch.look()


def test_nothing_is_late_before_the_market_has_spoken() -> None:
    assert Scene(BTC).look() == Late()


def test_a_stream_that_closes_in_time_is_never_late() -> None:
    scene = Scene(BTC, ETH)
    for at in range(5):
        scene.closes("BTCUSDT", at)
        scene.closes("ETHUSDT", at)
        assert scene.look() == Late()


def test_a_silent_stream_is_stale_once_others_have_passed_its_close() -> None:
    scene = Scene(BTC, ETH)
    scene.closes("BTCUSDT", 0)
    scene.closes("ETHUSDT", 0)
    scene.closes("BTCUSDT", 1)
    scene.talks("BTCUSDT", 2 * MINUTE + STALE_MS)
    assert scene.look() == Late()

    scene.talks("BTCUSDT", 2 * MINUTE + STALE_MS + 1)

    assert scene.look() == Late(silent=(ETH,))
    assert scene.watch.any_stale
    assert scene.look() == Late()  # said once


def test_one_look_is_no_proof() -> None:
    scene = Scene(BTC, ETH)
    scene.closes("ETHUSDT", 0)
    scene.closes("BTCUSDT", 10)

    assert scene.watch.look() == Late()
    assert scene.watch.look() == Late(silent=(ETH,))


def test_a_stream_that_catches_up_between_two_looks_was_only_behind() -> None:
    scene = Scene(BTC, ETH)
    scene.closes("ETHUSDT", 0)
    scene.closes("BTCUSDT", 10)
    scene.watch.look()
    scene.closes("ETHUSDT", 5)

    assert scene.watch.look() == Late()


def test_a_stream_that_has_never_spoken_is_late_too() -> None:
    scene = Scene(BTC, ETH)
    scene.closes("BTCUSDT", 0)
    scene.look()
    scene.closes("BTCUSDT", 2)

    assert scene.look() == Late(silent=(ETH,))


def test_a_stream_that_talks_but_does_not_close_has_missed_a_candle() -> None:
    scene = Scene(BTC)
    scene.closes("BTCUSDT", 0)
    scene.talks("BTCUSDT", 2 * MINUTE + 20_000)

    assert scene.look() == Late(missed=(BTC,))
    assert not scene.watch.any_stale
    scene.closes("BTCUSDT", 2)
    assert scene.look() == Late()


def test_a_stale_stream_that_speaks_again_is_back() -> None:
    scene = Scene(BTC, ETH)
    scene.closes("ETHUSDT", 0)
    scene.closes("BTCUSDT", 3)
    assert scene.look().silent == (ETH,)

    assert scene.talks("ETHUSDT", 4 * MINUTE + 1_000)
    assert not scene.talks("ETHUSDT", 4 * MINUTE + 2_000)
    assert not scene.watch.any_stale
    assert scene.look() == Late()


def test_an_older_candle_does_not_move_the_due_close_back() -> None:
    scene = Scene(BTC)
    scene.closes("BTCUSDT", 5)
    scene.closes("BTCUSDT", 1)
    scene.talks("BTCUSDT", 7 * MINUTE + 10_000)

    assert scene.look() == Late()


def test_trades_may_be_silent_for_ever() -> None:
    scene = Scene(BTC, "ethusdt@aggTrade", "ethusdt@bookTicker")
    for at in range(60):
        scene.closes("BTCUSDT", at)
        assert scene.look() == Late()


def test_a_mark_price_that_stops_is_late() -> None:
    scene = Scene(BTC, "btcusdt@markPrice@1s")
    scene.hear(wrap("btcusdt@markPrice@1s", {"e": "markPriceUpdate", "E": START_MS, "s": "BTCUSDT", "p": "1"}))
    scene.closes("BTCUSDT", 0)

    assert scene.look() == Late(silent=("btcusdt@markPrice@1s",))


def test_ages_are_told_on_the_market_s_clock() -> None:
    scene = Scene(BTC, ETH)
    scene.closes("BTCUSDT", 0)
    scene.talks("BTCUSDT", MINUTE + 3_000)

    assert scene.watch.ages_ms() == {BTC: 0, ETH: None}


def test_a_stream_that_was_dropped_is_not_missed() -> None:
    scene = Scene(BTC, ETH)
    scene.watch.remove([ETH])
    scene.closes("BTCUSDT", 10)

    assert scene.look() == Late()


def test_no_window_holds_more_events_than_the_rate_allows() -> None:
    window, now, times = RateWindow(5, 1.0), 0.0, []
    for _ in range(40):
        wait_s = window.take(now)
        times.append(now + wait_s)
        now += 0.05

    assert all(later - earlier > 1.0 - 1e-9 for earlier, later in zip(times, times[5:], strict=False))


def test_waits_double_up_to_a_bound_and_begin_anew_after_a_success() -> None:
    backoff = Backoff(0.25, 3.0, random_part=lambda low, high: high)

    assert [backoff.next_s() for _ in range(6)] == [0.25, 0.5, 1.0, 2.0, 3.0, 3.0]
    backoff.reset()
    assert backoff.next_s() == 0.25


def test_waits_are_never_all_the_same() -> None:
    backoff = Backoff(1.0, 1.0)
    waits = {backoff.next_s() for _ in range(20)}

    assert len(waits) > 10
    assert all(0.5 <= wait <= 1.0 for wait in waits)
