"""Keeps secrets out of everything that is written, in whichever way they were escaped on the way there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

#: What is shown in place of a secret.
HIDDEN = "(hidden)"

#: Shorter ones cannot be told from ordinary text.
SHORTEST = 6

#: Text without a break of this length is a key, a token or a hash, never a value that a person would read.
TOKEN = re.compile(r"[A-Za-z0-9+/=_\-]{32,}")

#: A user and a password within a URL.
CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+:[^/\s@]+(?=@)")


class Redactor:
    """Remembers secrets and hides them in text.

    >>> redactor = Redactor()
    >>> redactor.remember("pa/ss word")
    >>> redactor.hide("GET /x?key=pa%2Fss+word failed")
    'GET /x?key=(hidden) failed'
    """

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def remember(self, secret: str) -> None:
        """Hide `secret` from now on; one of less than `SHORTEST` characters is not hidden."""
        forms = {form for part in _parts(secret) for form in _forms(part) if len(form) >= SHORTEST}
        if forms <= self._forms:
            return
        self._forms |= forms
        longest_first = sorted(self._forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_pattern_of, longest_first)))

    def hide(self, text: str) -> str:
        """Return `text` with every remembered secret, and credentials of URLs, replaced by `HIDDEN`."""
        if "://" in text:
            text = CREDENTIALS.sub(HIDDEN, text)
        return self._pattern.sub(HIDDEN, text) if self._pattern else text


def hide_tokens(text: str) -> str:
    """Return `text` without anything that could be a key: for values that stand where they do not belong."""
    return TOKEN.sub(HIDDEN, text)


def _parts(secret: str) -> Iterator[str]:
    """Yield the secret and, of one with several lines (a private key), each line: they are often written apart."""
    yield secret.strip()
    yield from (line.strip() for line in secret.splitlines() if len(line.strip()) >= 16)


def _forms(secret: str) -> Iterator[str]:
    """Yield how the secret looks as it is, in URLs, in JSON and in `repr`."""
    yield secret
    yield from {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield json.dumps(secret)[1:-1].replace("/", "\\/")
    yield repr(secret)[1:-1]


def _pattern_of(form: str) -> str:
    """Return the pattern of a form; the digits of percent-encoding may have either case."""
    return re.sub("%[0-9A-F]{2}", lambda match: f"(?i:{match[0]})", re.escape(form))


#: The secrets of this process: whatever reads one tells it here, whatever writes text asks it.
redactor = Redactor()
