"""WebSocket frames as a server writes them: whole, unmasked, uncompressed (RFC 6455, section 5.2).

They are made once for a message and shared by its listeners; many go to the socket in one write.
"""

from __future__ import annotations

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return the frame of one message.

    >>> frame(b"hi")
    b'\\x81\\x02hi'
    """
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 65_536:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big") + payload


class Message:
    """One event of one stream. `closed`: a candle that closes, which a gap may swallow."""

    __slots__ = ("_combined", "_raw", "closed", "stream", "text")

    def __init__(self, stream: str, text: str, closed: bool = False) -> None:
        self.stream = stream
        self.text = text
        self.closed = closed
        self._raw = b""
        self._combined = b""

    def payload(self, combined: bool) -> str:
        """Return the JSON, in the wrapper of combined streams where that is wanted."""
        return f'{{"stream":"{self.stream}","data":{self.text}}}' if combined else self.text

    def frame(self, combined: bool) -> bytes:
        """Return the frame, made at the first call."""
        if combined:
            self._combined = self._combined or frame(self.payload(True).encode())
            return self._combined
        self._raw = self._raw or frame(self.text.encode())
        return self._raw
