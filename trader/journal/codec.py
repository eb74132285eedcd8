"""Events, commands and records as bytes: msgpack, deflated where that saves much."""

from __future__ import annotations

import re
import zlib
from typing import Any, TypeVar, get_args

import msgspec

from trader.core.commands import Command
from trader.core.errors import JournalError
from trader.core.events import Event

T = TypeVar("T")

#: Longer payloads are deflated: an instant of many candles repeats the names of its columns.
LARGE = 512
#: The first byte of a deflated payload; no msgpack of ours begins with it, for all are maps.
DEFLATED = b"\x78"

encode = msgspec.msgpack.Encoder().encode


def _kind(cls: type) -> str:
    """Return the kind of a class: its name in small letters.

    >>> _kind(int), _kind(type("SubmitOrder", (), {}))
    ('int', 'submit_order')
    """
    return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


#: Every event and command by its kind: what the unions have is known here.
EVENTS: dict[str, type[Any]] = {_kind(cls): cls for cls in get_args(Event)}
COMMANDS: dict[str, type[Any]] = {_kind(cls): cls for cls in get_args(Command)}
KIND_OF: dict[type[Any], str] = {cls: kind for kind, cls in (EVENTS | COMMANDS).items()}

#: Those of events and commands are made here: msgspec crashes where two threads are the first to decode a type.
_decoders: dict[type[Any], msgspec.msgpack.Decoder[Any]] = {cls: msgspec.msgpack.Decoder(cls) for cls in KIND_OF}


def pack(payload: bytes) -> bytes:
    """Return `payload` as it is stored."""
    return zlib.compress(payload, 1) if len(payload) > LARGE else payload


def unpack(stored: bytes) -> bytes:
    """Return the payload of what is stored."""
    return zlib.decompress(stored) if stored[:1] == DEFLATED else stored


def decode(stored: bytes, cls: type[T]) -> T:
    """Return the value that is stored; raise `JournalError` when it is no `cls`."""
    decoder = _decoders.get(cls)
    if decoder is None:
        decoder = _decoders[cls] = msgspec.msgpack.Decoder(cls)
    try:
        value: T = decoder.decode(unpack(bytes(stored)))
    except (msgspec.MsgspecError, zlib.error, UnicodeDecodeError) as error:
        raise JournalError(f"a stored {cls.__name__} cannot be read: {error}; journal verify finds where") from error
    return value


def decode_kind(stored: bytes, kind: str, kinds: dict[str, type[Any]]) -> Any:
    """Return the stored event or command of `kind`; raise `JournalError` when it is none."""
    if kind not in kinds:
        raise JournalError(f"a stored {kind!r} is unknown; known are {', '.join(kinds)}: a newer program wrote it")
    return decode(stored, kinds[kind])
