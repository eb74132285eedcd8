"""The tree of errors.

TraderError
├ ConfigError      the settings or options cannot be used: the person who typed them mends them
├ DataError        history is malformed or time goes back: stop the run, or quarantine the stream when live
├ ModelError       an artefact is missing or its feature list differs: that strategy is off, the rest runs
├ ExchangeError    the venue or the way to it
│  ├ Unavailable   time-out, 5xx, lost connection: the outcome of an order is unknown, so look it up
│  ├ RateLimited   wait `retry_after_s`; kept across restarts
│  ├ Rejected      proof of refusal: becomes an event
│  └ Unauthorized  keys or permissions: halt trading
├ JournalError     the journal cannot be opened, read or written: open nothing; stops and closings go on
└ InvariantError   our books contradict themselves: no entries, keep protective orders, tell a person
"""

from __future__ import annotations

from collections.abc import Sequence


class TraderError(Exception):
    """Any failure that the program foresees; its text tells a person what to do."""


class ConfigError(TraderError):
    """Settings or options that cannot be used; carries every fault, not only the first."""

    def __init__(self, faults: str | Sequence[str]) -> None:
        self.faults: tuple[str, ...] = (faults,) if isinstance(faults, str) else tuple(faults)
        super().__init__("\n".join(self.faults))


class DataError(TraderError):
    """Market data that is malformed, contradicts itself, or goes back in time."""


class ModelError(TraderError):
    """A model artefact that is missing or was made for other features."""


class ExchangeError(TraderError):
    """The venue refused, could not be reached, or did not answer as documented.

    `status`, `code` and `text` are the venue's own words; 0 and "" where it said nothing.
    """

    status: int = 0
    code: int = 0
    text: str = ""


class Unavailable(ExchangeError):
    """No answer to rely on (time-out, 5xx, lost connection): the outcome of a request is unknown.

    Unless `nothing_done`: then it is proven that the request had no effect.
    """

    nothing_done: bool = False


class RateLimited(ExchangeError):
    """The venue asks for a pause of `retry_after_s` seconds (429), or has banned us (418)."""

    def __init__(self, message: str, retry_after_s: float, banned: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.banned = banned


class Rejected(ExchangeError):
    """The venue's proof that it refused a request; `code` is its error code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Unauthorized(ExchangeError):
    """The key, its signature or its permissions are refused."""


class JournalError(TraderError):
    """The journal cannot be opened, read or written; `kind` says why in a word, for those who decide what to do."""

    def __init__(self, message: str, kind: str = "unusable") -> None:
        super().__init__(message)
        self.kind = kind


class InvariantError(TraderError):
    """The books contradict themselves; nothing may be opened until a person has looked."""
