"""`python start.py exchange`: a Binance-compatible exchange on this machine."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from trader.cli.common import ConfigOption, DebugOption, SetOption, read_settings
from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.core.timeframe import Timeframe
from trader.engine import logs
from trader.exchange.embedded.accounts.specs import DEFAULT_BALANCE, account_specs
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.faults import parse_fault
from trader.exchange.embedded.options import (
    LIMITS_IN_LOCKSTEP,
    ORDER_WINDOWS,
    ORDERS_IN_LOCKSTEP,
    ExchangeOptions,
    Limits,
    PerMarket,
    Touch,
    Trading,
    parse_speed,
    parse_time,
    speed_text,
)
from trader.exchange.embedded.page import GENERATED, STORED

INTERRUPTED = 130

#: What people type behind `exchange`, for the table of commands.
EXAMPLES = (
    "",
    "--port 8090 --speed 60",
    "--data data --symbols BTCUSDT,ETHUSDT --from 2025-03-01 --to 2025-03-08 --speed max --hold",
    "--key K --secret S --balance USDT=10000,BTC=0",
    "--fault drop=0.001 --fault stall=0.0005:3 --fault 429=0.01:2 --fault skew=-1500",
)

log = logging.getLogger(__name__)


def exchange_command(
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port on 127.0.0.1; 0 is any free one.")] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Play the candles of this store instead of a generated market.")
    ] = None,
    symbols: Annotated[
        str | None, typer.Option(help="Coins, parted by commas; by default COINS, or all that the store holds.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="Where the play begins, UTC; what lies before has happened."),
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Where it ends; generated: never.")] = None,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="Where a play that began before is taken up.")] = None,
    speed: Annotated[
        str | None,
        typer.Option(metavar="X|max", help="Seconds of the market per second; max: as clients take it."),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the generated market.")] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=PROBABILITY[:AMOUNT]",
            help="What shall go wrong, and how often: drop stall silent duplicate reorder delay corrupt gap "
            "429 418 5xx timeout, or skew=MS, and those of orders; may be repeated. docs/embedded-exchange.md has all.",
        ),
    ] = None,
    fault_seed: Annotated[int, typer.Option(help="Seed of what goes wrong.")] = 0,
    key: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="API key of an account; may be repeated. Without it one is made and printed."),
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SECRET",
            help="Its secret; of an Ed25519 key ed25519: with the public key in base64, or a .pem file.",
        ),
    ] = None,
    balance: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ASSET=AMOUNT,…", help=f"What an account begins with; {DEFAULT_BALANCE}. One for each key."
        ),
    ] = None,
    rights: Annotated[
        list[str] | None,
        typer.Option(metavar="RIGHT,…", help="What a key may do: read, spot, futures, withdraw. One for each key."),
    ] = None,
    bnb_fees: Annotated[
        bool, typer.Option("--bnb-fees", help="Take commissions in BNB where an account has any.")
    ] = False,
    account_from_stdin: Annotated[
        bool,
        typer.Option(
            "--account-from-stdin",
            help="Read one more account from the first line of standard input: KEY SECRET BALANCE.",
        ),
    ] = False,
    keep: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep accounts and the time in FILE, and go on from it at the next start."),
    ] = None,
    spread: Annotated[
        float | None,
        typer.Option(min=0, max=0.5, help="Spread as a fraction of the price; twice SLIPPAGE_PCT."),
    ] = None,
    touch: Annotated[
        Touch, typer.Option(help="Which order comes first that one candle reaches both: the stop, or by its path.")
    ] = Touch.STOP_FIRST,
    judge: Annotated[
        str | None, typer.Option(metavar="TIMEFRAME", help="Candles on which orders are judged; the finest held.")
    ] = None,
    lockstep: Annotated[
        bool, typer.Option("--lockstep", help="Wait for POST /control/go at each close: for tests of parity.")
    ] = False,
    hold: Annotated[bool, typer.Option("--hold", help="Wait for POST /control/start before time passes.")] = False,
    until_stdin_closes: Annotated[
        bool, typer.Option("--until-stdin-closes", help="End when standard input closes: with whoever started it.")
    ] = False,
    settings: SetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Play a market on 127.0.0.1 that speaks Binance's REST and WebSocket dialect, spot and USD-M on one port.

    It plays a generated market, or with --data the candles of a store. It takes orders on both, against the
    price of the play, half the spread worse, for accounts given by --key, --secret and --balance.
    Stop it with Ctrl-C.
    """
    loaded = read_settings(settings, config).settings
    if account_from_stdin:
        key, secret, balance = _told_account(key or [], secret or [], balance or [])
    logs.configure(loaded.model_copy(update={"LOG_FILE": ""}), debug)
    embedded = loaded.EMBEDDED
    options = ExchangeOptions(
        port=embedded.port if port is None else port,
        data=data,
        symbols=_symbols(symbols, loaded, data),
        start=_start(start, embedded.start, data),
        end=parse_time(end) if end else None,
        at=parse_time(at) if at else None,
        speed=parse_speed(str(embedded.speed if speed is None else speed)),
        seed=embedded.seed if seed is None else seed,
        hold=hold,
        lockstep=lockstep,
        trading=Trading(
            accounts=account_specs(key or [], secret or [], balance or [], rights or [], bnb_fees),
            half_spread=loaded.SLIPPAGE_PCT if spread is None else spread / 2,
            maker_fee=PerMarket(loaded.MAKER_FEE.spot, loaded.MAKER_FEE.futures),
            taker_fee=PerMarket(loaded.TAKER_FEE.spot, loaded.TAKER_FEE.futures),
            touch=touch,
            judge=Timeframe.parse(judge) if judge else None,
            orders=ORDERS_IN_LOCKSTEP if lockstep else ORDER_WINDOWS,
        ),
        keep=keep,
        limits=LIMITS_IN_LOCKSTEP if lockstep else Limits(),
        faults=tuple(parse_fault(text) for text in fault or ()),
        fault_seed=fault_seed,
        default_filters=loaded.DEFAULT_FILTERS.model_dump(),
    )
    if not key:
        made = options.trading.accounts[0]
        typer.echo(f"account made for this run: key {made.key} secret {made.secret}")
    code = asyncio.run(_serve(options, until_stdin_closes))
    if code:
        raise typer.Exit(code)


async def _serve(options: ExchangeOptions, until_stdin_closes: bool) -> int:
    """Run the exchange until somebody ends it; return the exit code."""
    exchange = EmbeddedExchange(options)
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number, event in ((signal.SIGINT, interrupted), (signal.SIGTERM, exchange.stopping)):
        loop.add_signal_handler(number, _end, exchange, event)
    await exchange.start()
    try:
        _announce(exchange)
        if until_stdin_closes:
            await _when_stdin_closes(exchange.stopping)
        await exchange.stopping.wait()
    finally:
        await exchange.stop()
    log.info("embedded exchange stopped")
    return INTERRUPTED if interrupted.is_set() else 0


def _told_account(
    keys: Sequence[str], secrets: Sequence[str], balances: Sequence[str]
) -> tuple[list[str], list[str], list[str]]:
    """Return the lists with the account that comes by standard input in front: where nobody else sees its secret.

    The rest of the input is left to whoever reads on.
    """
    line = bytearray()
    while (byte := os.read(sys.stdin.fileno(), 1)) not in (b"", b"\n"):
        line += byte
    told = line.decode(errors="replace").split()
    if len(told) != 3:
        raise ConfigError("--account-from-stdin: allowed as the first line of input: KEY SECRET BALANCE")
    return [told[0], *keys], [told[1], *secrets], [told[2], *(balances or [DEFAULT_BALANCE])]


def _end(exchange: EmbeddedExchange, event: asyncio.Event) -> None:
    event.set()
    exchange.stopping.set()


def _announce(exchange: EmbeddedExchange) -> None:
    """Print what is played and where; the last line is for programs."""
    base = exchange.base_url
    stream = base.replace("http", "ws")
    state = exchange.state()
    symbols = sorted({symbol for names in state["symbols"].values() for symbol in names})
    typer.echo(GENERATED if state["generated"] else STORED)
    typer.echo(f"{exchange.source.name}; {', '.join(symbols)}; speed {speed_text(exchange.play.clock.speed)}")
    typer.echo(f"spot    {base}/api/v3   {stream}/ws   {stream}/stream?streams=")
    typer.echo(f"futures {base}/fapi/v1  {stream}/market/ws  {stream}/public/ws")
    typer.echo(f"listening on {base}")
    sys.stdout.flush()


class _Ending(asyncio.Protocol):
    """Sets an event when the pipe it reads ends."""

    def __init__(self, ended: asyncio.Event) -> None:
        self._ended = ended

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended.set()


async def _when_stdin_closes(ended: asyncio.Event) -> None:
    """Set `ended` when standard input closes; at once where it cannot be waited for, as of a closed one."""
    loop = asyncio.get_running_loop()
    try:
        await loop.connect_read_pipe(lambda: _Ending(ended), sys.stdin)
    except (OSError, ValueError):
        ended.set()


def _symbols(text: str | None, settings: Settings, data: Path | None) -> tuple[str, ...]:
    if text:
        return tuple(name.strip().upper() for name in text.split(",") if name.strip())
    return () if data is not None else settings.COINS


def _start(text: str | None, generated_start: str, data: Path | None) -> int | None:
    if text:
        return parse_time(text)
    return parse_time(generated_start) if data is None else None
