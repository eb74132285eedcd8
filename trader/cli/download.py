"""`python start.py download`: history from an exchange into the store."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from trader.cli.common import ConfigOption, DebugOption, SetOption, prepare
from trader.core.errors import ConfigError, Unavailable
from trader.core.settings import Market, Settings
from trader.engine.download import DownloadReport, DownloadRequest, download
from trader.engine.download import Progress as Report
from trader.engine.download.report import HEADINGS
from trader.engine.live.venue import play_state
from trader.exchange.binance.endpoints import Endpoints, endpoints
from trader.exchange.binance.rest import BinanceRest
from trader.exchange.binance.watched_socket import LOOPBACK
from trader.exchange.binance.weights import FUNDING_REQUESTS, FUNDING_WINDOW_S, LIMITS
from trader.exchange.embedded.options import parse_time
from trader.execution.bans import BanFile
from trader.execution.governor import WeightGovernor
from trader.market.store import Store

EXAMPLES = (
    "--coins BTCUSDT,ETHUSDT --timeframes 1min,5min --from 2025-01-01 --to 2025-02-01 --url https://api.binance.com",
    "--market futures --from 2025-06-01 --url https://fapi.binance.com",
    "--from 2026-01-05 --url http://127.0.0.1:8090 --data data-generated",
)
#: Where there is no terminal, a line says how far it is this often, seconds.
SAY_EVERY_S = 5.0


def download_command(
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="First day or moment (UTC).")],
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="The day or moment (UTC) at which it ends; now.")
    ] = None,
    coins: Annotated[str | None, typer.Option(help="Coins, parted by commas.")] = None,
    timeframes: Annotated[str | None, typer.Option(help="Timeframes, parted by commas.")] = None,
    market: Annotated[Market | None, typer.Option(help="The market; MARKET by default.")] = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the store; DATA_DIR by default.")] = None,
    url: Annotated[
        str | None, typer.Option(metavar="BASE", help="Address of the exchange; REST_URL, MODE's own.")
    ] = None,
    settings: SetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Download candles, filters and funding rates into the store: only what lacks, within the exchange's limits.

    What has come is kept when it is interrupted, and the same command goes on from there. No key is needed.
    Seconds of futures are built from trades, which is slow: Binance's archives and `import` are faster there.
    """
    own = {
        "--coins": ("COINS", coins),
        "--timeframes": ("TIMEFRAMES", timeframes),
        "--market": ("MARKET", market),
        "--data": ("DATA_DIR", data),
        "--url": ("REST_URL", url),
    }
    loaded = prepare(settings, config=config, debug=debug, own=own, quiet=sys.stderr.isatty())
    venue = _venue(loaded.settings)
    if data is None:
        asyncio.run(_refuse_invented(venue, loaded.settings))
    request = DownloadRequest(loaded.settings.COINS, loaded.settings.TIMEFRAMES, *_span(start, end))
    try:
        with _progress() as progress:
            report = asyncio.run(_download(loaded.settings, venue, request, progress))
    except KeyboardInterrupt:
        typer.echo("interrupted: what has come is kept, the same command goes on from there", err=True)
        raise
    _show(report)


async def _download(settings: Settings, venue: Endpoints, request: DownloadRequest, progress: Report) -> DownloadReport:
    bans = BanFile(Path(settings.DATA_DIR) / "bans.json")
    gate = WeightGovernor(LIMITS[venue.market], settings.WEIGHT_RESERVE, key=venue.rest, bans=bans)
    funding_gate = WeightGovernor(FUNDING_REQUESTS, window_s=FUNDING_WINDOW_S)
    async with BinanceRest(venue, gate, funding_gate) as rest:
        return await download(rest, Store(settings.DATA_DIR), request, progress)


def _venue(settings: Settings) -> Endpoints:
    """Return the exchange to ask; raise `ConfigError` where the settings name none."""
    if settings.MODE == "embedded" and not settings.REST_URL:
        host: dict[Market, str] = {"spot": "https://api.binance.com", "futures": "https://fapi.binance.com"}
        raise ConfigError(
            "download needs the address of an exchange: --url "
            f"{host[settings.MARKET]} is Binance's {settings.MARKET} market (no key is needed), "
            "--url http://127.0.0.1:PORT an exchange on this machine (python start.py exchange)"
        )
    return endpoints(settings.MODE, settings.MARKET, settings.REST_URL, settings.STREAM_URL)


async def _refuse_invented(venue: Endpoints, settings: Settings) -> None:
    """Raise `ConfigError` where candles of a generated market would come among real ones."""
    if urlsplit(venue.rest).hostname not in LOOPBACK:
        return
    try:
        state = await play_state(venue.rest)
    except (ConfigError, Unavailable):
        return  # no embedded exchange; whatever it is says so itself
    if state.generated:
        raise ConfigError(
            f"the exchange at {venue.rest} plays a generated market, whose candles would stand among real ones in "
            f"{settings.DATA_DIR}; allowed: a folder of their own, as in --data data-generated"
        )


def _span(start: str, end: str | None) -> tuple[int, int | None]:
    first, last = parse_time(start), parse_time(end) if end else None
    if last is not None and last <= first:
        raise ConfigError(f"--to {end} is not after --from {start}; allowed: a later day or moment")
    return first, last


def _show(report: DownloadReport) -> None:
    """Print the summary: a table on a terminal, plain lines elsewhere."""
    if sys.stdout.isatty():
        table = Table(*HEADINGS, title=report.market, box=SIMPLE_HEAD)
        for row in report.rows():
            table.add_row(*row)
        Console().print(table)
    else:
        for row in report.rows():
            stream, *cells = zip(HEADINGS, row, strict=True)
            typer.echo(f"{report.market} {stream[1]}: " + ", ".join(f"{name} {cell}" for name, cell in cells))
    for line in report.lines():
        typer.echo(line)


@contextmanager
def _progress() -> Iterator[Report]:
    """Show how far it is: a bar on a terminal, a plain line now and then elsewhere."""
    if not sys.stderr.isatty():
        yield _PlainProgress().report
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("asking what there is", total=None)

        def report(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield report


class _PlainProgress:
    """Says how far it is in lines, seldom enough for a log file."""

    def __init__(self) -> None:
        self._said_at = time.monotonic()

    def report(self, what: str, done: int, total: int) -> None:
        """Say that `done` of `total` candles are settled, the last of them of `what`."""
        if time.monotonic() - self._said_at < SAY_EVERY_S:
            return
        self._said_at = time.monotonic()
        typer.echo(f"{what}: {done:,} of {total:,} candles ({done / max(total, 1):.0%})", err=True)
