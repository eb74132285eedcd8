"""Between `run` and real orders: the key is fetched, the account looked at, and for real money a person is asked."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import typer

from trader.cli.check import say_lines, show_table
from trader.core.errors import ConfigError, Unauthorized
from trader.core.settings import Settings
from trader.engine.keys.stores import holder_of, unlocked
from trader.engine.live.homes import home_of
from trader.engine.live.patience import until_reached
from trader.engine.live.venue import open_venue, venue_endpoints
from trader.engine.redaction import redactor
from trader.engine.safety.clearance import HOW_TO_CONFIRM
from trader.engine.safety.confirmation import Confirmation, Terms, terms_of
from trader.engine.safety.disk import journal_finding, known_of
from trader.engine.safety.findings import account_findings
from trader.engine.safety.found import FAIL, Found
from trader.engine.safety.gate import orders_wanted, start_faults
from trader.engine.safety.look import look
from trader.engine.streams import plan_streams
from trader.exchange.binance.symbols import market_info


def cleared(settings: Settings, yes: bool) -> Settings:
    """Return the settings with their key, ready to send orders; those of simulated fills as they are.

    `MODE=live` shows account, limits and what is open, and asks once for a person's word; `yes` gives it. Raise
    `ConfigError` with all that is missing in the settings, before anything is sent; then with all that the exchange
    says against it, before anything is changed.
    """
    faults = start_faults(settings)
    if (
        settings.MODE == "live"
        and not yes
        and not _can_be_asked()
        and not Confirmation(home_of(settings)).path.exists()
    ):
        faults.append(f"MODE = live wants a person's word before its first run: {HOW_TO_CONFIRM}")
    if orders_wanted(settings) and settings.KEY_NAME:
        faults += _faults_of_name(settings)
    if faults:
        raise ConfigError(faults)
    if not orders_wanted(settings):
        return settings
    settings = unlocked(settings)
    if settings.MODE == "live":
        _introduce(settings, yes)
    return settings


def _faults_of_name(settings: Settings) -> list[str]:
    """Return why the key that is named cannot be had; the passphrase is not asked for yet."""
    try:
        holder_of(settings, settings.KEY_NAME)
    except ConfigError as error:
        return list(error.faults)
    return []


def _introduce(settings: Settings, yes: bool) -> None:
    """Show what the daemon would trade with, and have the terms confirmed where they are not."""
    home = home_of(settings)
    home.mkdir(parents=True, exist_ok=True)
    found = asyncio.run(until_reached(lambda: _summary(settings, home)))
    (show_table if sys.stdout.isatty() else say_lines)(found)
    if faults := [f"{each.about}: {each.text}" for each in found if each.state == FAIL]:
        raise ConfigError(faults)
    terms, confirmation = terms_of(settings, venue_endpoints(settings)), Confirmation(home_of(settings))
    changed = confirmation.changed(terms)
    if not changed:
        return
    for line in _words(settings, terms):
        typer.echo(redactor.hide(line))
    if not yes:
        if not _can_be_asked():
            raise ConfigError(f"MODE = live wants a person's word ({'; '.join(changed)}): {HOW_TO_CONFIRM}")
        typer.confirm("Trade with real money on these terms?", abort=True)
    confirmation.write(terms)


async def _summary(settings: Settings, home: Path) -> list[Found]:
    journal, pool = await asyncio.to_thread(journal_finding, settings, home)
    async with open_venue(settings, home) as venue:
        info = await venue.rest.exchange_info()
        coins = list(plan_streams(settings, venue.finest(info)).exits)
        try:
            seen = await look(settings, venue, coins)
        except Unauthorized as error:
            return [Found(FAIL, "key", f"the exchange refuses it: {error}")]
        return [journal, *account_findings(settings, seen, market_info(info), known_of(pool))]


def _words(settings: Settings, terms: Terms) -> list[str]:
    """Return the terms as a person reads them."""
    most = settings.MAX_CAPITAL or 0.0
    return [
        "",
        f"REAL MONEY at {terms.venue}, {terms.market}: {', '.join(terms.coins)}",
        f"  in use at most      {most:,.2f} {settings.QUOTE} (MAX_CAPITAL)",
        f"  a position at most  {settings.MAX_POSITION_SIZE_PCT:.0%} of it, leverage {terms.leverage:g} at most",
        f"  a trade risks       {terms.risk_per_trade:.2%} of it; {settings.MAX_CONCURRENT_TRADES} trades at most",
        f"  it stops opening at {settings.DAILY_LOSS_LIMIT:.1%} loss a day (0 is off)",
        f"  {'hedges are on' if terms.hedging else 'no hedges'}; strategy {settings.STRATEGY}",
        f"  to get out          python start.py kill, or touch {Path(settings.DATA_DIR) / 'KILL'}",
        "",
    ]


def _can_be_asked() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
