"""The door for requests with a key: who is it, may they, is the signature good, is it about now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from trader.exchange.embedded.accounts.account import Account, ApiKey, Right
from trader.exchange.embedded.accounts.decimals import parse_decimal
from trader.exchange.embedded.accounts.signatures import verified
from trader.exchange.embedded.api_error import ApiError, illegal_characters, missing
from trader.exchange.embedded.params import NUMBER, NUMBER_PATTERN
from trader.exchange.embedded.transport import Transport

#: Parameters of every signed request, which no endpoint reads.
ENVELOPE = frozenset({"timestamp", "recvWindow", "signature", "apiKey"})
RECEIVE_WINDOW_MS = 5_000
LONGEST_WINDOW_MS = 60_000
#: How far ahead of the server a timestamp may be, ms.
AHEAD_MS = 1_000


class Gate:
    """Admits requests on the server's wall clock, with the skew of the fault plan (binance.md, section 7)."""

    def __init__(self, accounts: Sequence[Account], transport: Transport) -> None:
        self.accounts = accounts
        self._keys = {key.key: (account, key) for account in accounts for key in account.keys}
        self._transport = transport

    def admit(
        self, right: Right, key: str | None, values: Mapping[str, str], texts: Iterable[str]
    ) -> tuple[Account, ApiKey]:
        """Return who has signed one of `texts`; raise `ApiError` where anything is wrong with it."""
        account, known = self.known(right, key)
        signature = values.get("signature", "")
        if not signature:
            raise missing("signature")
        self.timely(values)
        if not any(verified(known, text, signature) for text in texts):
            raise ApiError(-1022, "Signature for this request is not valid.")
        return account, known

    def known(self, right: Right, key: str | None) -> tuple[Account, ApiKey]:
        """Return whose key it is; -2014 without one, -2015 where it is unknown or has not the right."""
        if not key:
            raise ApiError(-2014, "API-key format invalid.", 401)
        account, known = self._keys.get(key, (None, None))
        if account is None or known is None or right not in known.rights:
            raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return account, known

    def timely(self, values: Mapping[str, str]) -> None:
        """Refuse a request of another time: -1021."""
        timestamp, window = _timestamp(values), _window(values)
        now = self._transport.time_ms()
        if timestamp >= now + AHEAD_MS:
            raise ApiError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        if now - timestamp > window:
            raise ApiError(-1021, "Timestamp for this request is outside of the recvWindow.")


def _timestamp(values: Mapping[str, str]) -> int:
    text = values.get("timestamp", "")
    if not text:
        raise missing("timestamp")
    if not NUMBER.fullmatch(text):
        raise illegal_characters("timestamp", NUMBER_PATTERN)
    value = int(text)
    return value // 1_000 if value > 10**14 else value


def _window(values: Mapping[str, str]) -> float:
    text = values.get("recvWindow")
    if text is None:
        return RECEIVE_WINDOW_MS
    window = parse_decimal("recvWindow", text, 3)
    if window > LONGEST_WINDOW_MS:
        raise ApiError(-1131, f"recvWindow must be less than {LONGEST_WINDOW_MS}.")
    return float(window)
