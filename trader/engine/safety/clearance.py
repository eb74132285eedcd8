"""The last gate, in the daemon itself: asked of the exchange at each start, before anything is changed there."""

from __future__ import annotations

from pathlib import Path

from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.core.settings.model import BINANCE_ORDERS
from trader.engine.safety.confirmation import Confirmation, terms_of
from trader.engine.safety.findings import rights_findings
from trader.engine.safety.found import FAIL
from trader.engine.safety.look import rights_of
from trader.exchange.binance.account_rest import AccountRest

HOW_TO_CONFIRM = "python start.py run on a terminal asks for it, --yes gives it"


async def require_clearance(settings: Settings, account: AccountRest, home: Path) -> None:
    """See that the key may trade and, live, that it cannot withdraw and that a person has confirmed the terms.

    Raise `ConfigError` with everything that forbids the start.
    """
    if settings.MODE not in BINANCE_ORDERS:
        return
    rights = await rights_of(account)
    faults = [f"the key: {each.text}" for each in rights_findings(settings, rights) if each.state == FAIL]
    if not (await account.account()).can_trade:
        faults.append(f"the account may not trade on {settings.MARKET}: see Binance's notices")
    if settings.MODE == "live":
        if rights is None:
            faults.append("MODE = live: what the key may do cannot be asked at this address")
        changed = Confirmation(home).changed(terms_of(settings, account.client.endpoints))
        if changed:
            faults.append(f"MODE = live is not confirmed ({'; '.join(changed)}): {HOW_TO_CONFIRM}")
    if faults:
        raise ConfigError(faults)
