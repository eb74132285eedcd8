"""`python start.py status`: how the running daemon is."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Annotated

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from trader.cli.common import ConfigOption, PresetOption, SetOption
from trader.cli.daemon import Meant, ModeOption, say, status_from
from trader.core.timeframe import utc
from trader.engine.control.client import Client
from trader.engine.control.find import Running
from trader.engine.control.messages import OpenTrade, Orders, PendingEntry, Status

EXAMPLES = ("", "--watch", "--json | jq .equity")

#: Rules of the funnel in the table; --json has all.
MOST_RULES = 6
#: From this many columns on there is room for the quantity.
WIDE = 92


def status_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; with --watch a line each time.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Print it again and again, until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option(min=0.2, max=20.0, metavar="SECONDS", help="How often, with --watch.")] = 2.0,
    mode: ModeOption = None,
    settings: SetOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
) -> None:
    """Say how the running daemon is: capital, open trades with their stops, guards, changed settings, streams, funnel.

    A table on a terminal, elsewhere the lines that the log has.
    """
    with Meant(mode, settings, preset, config).speaking() as (running, client):
        if not watch:
            _print(running, status_from(client), as_json)
        elif sys.stdout.isatty() and not as_json:
            _watch(running, client, every)
        else:
            for status in _again(client, every):
                _print(running, status, as_json, compact=True)


def _watch(running: Running, client: Client, every_s: float) -> None:
    with Live(console=Console(), auto_refresh=False, screen=True) as live:
        for status in _again(client, every_s):
            live.update(table(running.home.name, status, live.console.width), refresh=True)


def _again(client: Client, every_s: float) -> Iterator[Status]:
    while True:
        yield status_from(client)
        time.sleep(every_s)


def _print(running: Running, status: Status, as_json: bool, compact: bool = False) -> None:
    if as_json:
        encoded = msgspec.json.encode(status)
        say((encoded if compact else msgspec.json.format(encoded, indent=1)).decode())
    elif sys.stdout.isatty():
        console = Console()
        console.print(table(running.home.name, status, console.width))
    else:
        say("\n".join([f"daemon {running}: {status.venue}", *status.lines, *_asides(status)]))
        sys.stdout.flush()


def table(name: str, status: Status, width: int) -> Group:
    """Return what a person sees on a terminal of `width` columns, 80 or more."""
    return Group(_head(name, status), _figures(status), *_trades(status, width >= WIDE), _flow(status))


def _head(name: str, status: Status) -> Text:
    state = "KILLED" if status.killed else "PAUSED" if status.paused else "trading"
    style = "bold green" if state == "trading" else "bold red"
    title = Text.assemble((name, "bold"), f"  process {status.pid}  {utc(status.time)}  ", (state, style))
    return Text("\n").join([title, *(Text(line, "yellow") for line in _asides(status))])


def _asides(status: Status) -> list[str]:
    """Return what does not stand in the lines of the log."""
    waiting = [f"waits for the next candle: {', '.join(status.waiting)}"] if status.waiting else []
    gaps = [f"missing candles: {', '.join(status.streams.gaps)}"] if status.streams.gaps else []
    return [*status.warnings, *gaps, *waiting, *(order_lines(status.orders) if status.orders is not None else [])]


def order_lines(orders: Orders) -> list[str]:
    """Return how the side is that sends orders, in a line, and what a person should look at, each in another."""
    link = "account connected" if orders.connected else "account NOT connected"
    unguarded = ", ".join(f"{quantity} {symbol}" for symbol, quantity in orders.unguarded.items()) or "0"
    dust = ", ".join(f"{quantity} {coin}" for coin, quantity in orders.dust.items())
    journal = orders.journal or f"well, {orders.journal_waiting} entries to write"
    return [
        f"orders: {link}, {orders.resting} open at the exchange, unguarded {unguarded}, {len(orders.unknown)} unknown, "
        f"{orders.alarm_count} alarms; journal {journal}" + (f"; dust {dust}" if dust else ""),
        *([f"no entries leave: {orders.halted}"] if orders.halted else []),
        *(f"order {each}: what became of it is not known yet" for each in orders.unknown),
        *(f"audit: {each}" for each in orders.standing),
        *(f"alarm: {each}" for each in orders.alarms),
    ]


def _figures(status: Status) -> Table:
    grid = Table.grid(padding=(0, 2))
    profit = status.equity - status.initial
    share = profit / status.initial
    rows = [
        ("equity", f"{status.equity:,.2f} ({profit:+,.2f}, {share:+.2%})", "drawdown", f"{status.drawdown:.2%}"),
        ("free", f"{status.free:,.2f}", "won", f"{status.won}"),
        ("reserved", f"{status.reserved:,.2f}", "lost", f"{status.lost}"),
    ]
    for row in rows:
        grid.add_row(*row)
    if status.vitals is not None:
        lag = status.vitals.lag
        memory, late = f"{status.vitals.memory_mb:,.0f} MB", f"{lag.p99_ms:.1f} ms (99 %), worst {lag.worst_ms:.1f}"
        grid.add_row("memory", memory, "loop lag", late)
    grid.add_row("guards", ", ".join(status.guards) or "none is on")
    for each in status.changed:
        grid.add_row("changed", f"{each.name} = {each.value} (settings: {each.over})")
    return grid


def _trades(status: Status, wide: bool) -> list[Table | Text]:
    if not status.trades and not status.pending:
        return [Text("\nno trade is open, no entry waits\n")]
    made = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("#", "coin", "side"):
        made.add_column(name, no_wrap=True)
    for name in ("entry", "now", "P/L", "stop", "away", *(["quantity"] if wide else [])):
        made.add_column(name, justify="right", no_wrap=True)
    for trade in status.trades:
        made.add_row(*_row(trade)[: len(made.columns)], style="dim" if trade.closing else "")
    for pending in status.pending:
        made.add_row(*_pending_row(pending)[: len(made.columns)], style="dim")
    return [made]


def _row(trade: OpenTrade) -> tuple[str, ...]:
    stop, away = ("closing", "") if trade.closing else (_figure(trade.stop), _percent(trade.stop_distance))
    return (
        f"{trade.id}",
        f"{trade.symbol} {trade.timeframe}",
        trade.direction,
        f"{trade.entry_price:g}",
        f"{trade.price:g}",
        f"{trade.unrealised:+,.2f}",
        stop,
        away,
        f"{trade.quantity:g}",
    )


def _pending_row(pending: PendingEntry) -> tuple[str, ...]:
    coin = f"{pending.symbol} {pending.timeframe}"
    return (
        "-",
        coin,
        pending.direction,
        "waits",
        f"{pending.price:g}",
        "",
        _figure(pending.stop),
        "",
        f"{pending.quantity:g}",
    )


def _flow(status: Status) -> Text:
    streams = status.streams
    ages = [age for age in streams.age_ms.values() if age is not None]
    oldest = f"oldest stream {max(ages) / 1000:.1f} s" if ages else "no stream has spoken yet"
    link = "connected" if streams.connected else "NOT connected"
    first = (
        f"{link}, {oldest}; {streams.candles:,} candles, last {utc(status.last_instant)}, "
        f"lag {streams.lag_ms:.1f} ms (worst {streams.worst_lag_ms:.1f})"
    )
    so_far = ", ".join(f"{count:,} {what}" for what, count in streams.troubles.items())
    total = sum(status.funnel.values())
    rules = ", ".join(f"{rule} {count:,}" for rule, count in list(status.funnel.items())[:MOST_RULES])
    return Text("\n".join(line for line in (first, so_far, f"{total:,} decisions: {rules}" if total else "") if line))


def _figure(value: float | None) -> str:
    return "hedge" if value is None else f"{value:g}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2%}"
