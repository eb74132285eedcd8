"""`python start.py run`: the daemon."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from trader.cli.clearing import cleared
from trader.cli.common import ConfigOption, DebugOption, PresetOption, SetOption, prepare
from trader.cli.day_report import DayReport, options_of
from trader.engine.live.homes import home_of
from trader.engine.live.session import Outcome, run_session
from trader.engine.narrator import Audiences, Narrator
from trader.engine.safety.gate import orders_wanted
from trader.market.durable import write_atomic
from trader.reports.live_log import LiveTradesLog
from trader.trading.notes import Audience

EXAMPLES = (
    "",
    "--coins BTCUSDT --timeframes 1min,5min",
    "--mode paper --set MARKET=futures --set LEVERAGE=5",
)
INTERRUPTED = 130


def run_command(
    mode: Annotated[
        str | None, typer.Option(help="Where candles come from and orders go: embedded, paper, demo, testnet, live.")
    ] = None,
    coins: Annotated[str | None, typer.Option(help="Coins, parted by commas, in the order of service.")] = None,
    timeframes: Annotated[str | None, typer.Option(help="Timeframes, parted by commas.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Put trades_log.csv and summary.json there at the end.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="MODE=live: the terms are meant; do not ask on a terminal.")
    ] = False,
    settings: SetOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Trade live, until Ctrl-C or SIGTERM; a restart takes up its pool and open trades.

    MODE=embedded (default) plays a generated market on this machine. MODE=paper reads Binance's public streams and
    simulates fills. MODE=demo and testnet send orders to Binance for play money, MODE=live for real money: only with
    LIVE_TRADING=yes, MAX_CAPITAL, a key that cannot withdraw, and a person's word: docs/going-live.md, step by step.
    """
    own = {"--mode": ("MODE", mode), "--coins": ("COINS", coins), "--timeframes": ("TIMEFRAMES", timeframes)}
    loaded = prepare(settings, preset=preset, config=config, debug=debug, own=own, trades=True)
    if loaded.settings.MODE == "embedded" and not loaded.settings.REST_URL:
        speed = loaded.settings.EMBEDDED.speed
        typer.echo(f"The market is GENERATED, not real: it passes at {speed} x real time. Ctrl-C stops.")
    chosen = cleared(loaded.settings, yes)
    options = options_of(settings or (), preset, config, own)
    day_over = DayReport(chosen, options) if orders_wanted(chosen) else None
    ending = asyncio.run(run_session(chosen, _audience, day_over, options))
    if out is not None and ending.outcome is not None:
        _write_summary(out, home_of(chosen), ending.outcome)
    if ending.interrupted:
        raise typer.Exit(INTERRUPTED)


def _audience(home: Path, rows: int | None) -> Audience:
    return Audiences([LiveTradesLog(home / "trades_log.csv", rows), Narrator(brief=False)])


def _write_summary(out: Path, home: Path, outcome: Outcome) -> None:
    out.mkdir(parents=True, exist_ok=True)
    log = (home / "trades_log.csv").read_bytes()
    write_atomic(out / "trades_log.csv", lambda file: file.write(log))
    book = outcome.book
    summary = {
        "finished": outcome.finished,
        "equity": book.worth(),
        "free": book.pool.free,
        "reserved": book.reserved,
        "won": book.won,
        "lost": book.lost,
        "candles": outcome.candles,
        "reconnects": outcome.reconnects,
        "repaired": outcome.repaired,
        "funnel": book.funnel,
        "dropped": book.dropped,
        "undefined_correlations": book.undefined_correlations,
    }
    text = msgspec.json.format(msgspec.json.encode(summary, order="sorted"))
    write_atomic(out / "summary.json", lambda file: file.write(text))
