"""The first gate: what the settings alone must say before real orders are sent; all faults at once."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.core.settings.model import BINANCE_ORDERS

HOW_TO_KEY = (
    "python start.py keys add NAME and KEY_NAME=NAME, or BINANCE_API_KEY and BINANCE_API_SECRET in the environment or "
    ".env"
)


def orders_wanted(settings: Settings) -> bool:
    """Tell whether orders go to the exchange, rather than being filled from candles."""
    if settings.ORDERS != "auto":
        return settings.ORDERS == "exchange"
    if settings.MODE == "embedded":
        return _is_own_exchange(settings) or _has_key(settings)
    return settings.MODE in BINANCE_ORDERS


def require_start(settings: Settings) -> None:
    """Raise `ConfigError` with everything in the settings that forbids this mode to start, and what to do."""
    if faults := start_faults(settings):
        raise ConfigError(faults)


def start_faults(settings: Settings) -> list[str]:
    """Return what forbids the settings' mode to start, as sentences that say what to do."""
    faults = address_faults(settings)
    if orders_wanted(settings):
        faults += [] if _is_own_exchange(settings) else _key_faults(settings)
    if settings.MODE == "live":
        faults += _live_faults(settings)
    return faults


def goes_to_this_machine(settings: Settings) -> bool:
    """Tell whether a mode that is for Binance is pointed at an exchange on this machine."""
    return settings.MODE in BINANCE_ORDERS and bool(settings.REST_URL)


def _live_faults(settings: Settings) -> list[str]:
    faults = []
    if settings.LIVE_TRADING != "yes":
        faults.append("MODE = live trades with real money: LIVE_TRADING=yes says that this is meant")
    if settings.MAX_CAPITAL is None:
        faults.append(
            f"MODE = live needs MAX_CAPITAL, the most {settings.QUOTE} that it may have in use: begin with little"
        )
    return faults


def _key_faults(settings: Settings) -> list[str]:
    key, secret = settings.BINANCE_API_KEY.get_secret_value(), settings.BINANCE_API_SECRET.get_secret_value()
    mode = f"MODE = {settings.MODE}"
    if settings.KEY_NAME:
        both = f"KEY_NAME = {settings.KEY_NAME} and BINANCE_API_KEY are two keys; allowed: one of them"
        return [both] if key or secret else []
    if key and secret:
        return []
    if key or secret:
        missing = "BINANCE_API_SECRET" if key else "BINANCE_API_KEY"
        return [f"{mode} sends orders: {missing} is missing, the other half of the key is there"]
    return [f"{mode} sends orders and needs an API key: {HOW_TO_KEY}"]


def address_faults(settings: Settings) -> list[str]:
    """Addresses of two venues do not go together, and a key goes to Binance or to this machine, nowhere else."""
    faults = []
    if settings.MODE != "embedded" and bool(settings.REST_URL) != bool(settings.STREAM_URL):
        faults.append(
            "REST_URL and STREAM_URL: only one of them is given, so candles would come from two venues; allowed: both, "
            "or none"
        )
    if settings.MODE in BINANCE_ORDERS:
        for name, url in (("REST_URL", settings.REST_URL), ("STREAM_URL", settings.STREAM_URL)):
            if url and not is_loopback(url):
                faults.append(
                    f"{name} = {url}: MODE={settings.MODE} sends its key to Binance's own address, or to this machine; "
                    "allowed: empty, or an address on 127.0.0.1"
                )
    return faults


def is_loopback(url: str) -> bool:
    """Tell whether an address is on this machine.

    >>> is_loopback("http://127.0.0.1:8090"), is_loopback("https://api.binance.com"), is_loopback("http://127.0.0.1.evil")
    (True, False, False)
    """
    try:
        parts = urlsplit(url)
        if parts.username is not None:
            return False
        return parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _is_own_exchange(settings: Settings) -> bool:
    """Tell whether the exchange is a child of the daemon: it has an account without anybody's key."""
    return settings.MODE == "embedded" and not settings.REST_URL


def _has_key(settings: Settings) -> bool:
    return bool(settings.KEY_NAME or settings.BINANCE_API_KEY.get_secret_value())
