"""The library's socket with its queue left out: a whole text message goes from the parser straight to us.

`websockets` parses, answers pings and shakes hands as ever. Only the way of a finished frame is shorter: no queue, no
waking of a reader for each message, which together cost as much as our own work. Fragments and binary messages take
the library's way, and so does everything should a version no longer call `process_event`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import Event

#: The bytes of a message, as the parser has them.
Bytes = bytes | bytearray


class ListeningSocket(ClientConnection):
    """A client connection that calls `take` with each message, and knows when it last heard anything at all.

    `take` must not raise. `heard_at` is the loop's time of the last bytes: data, a ping, half a frame; 0 before.
    """

    def __init__(self, protocol: ClientProtocol, *, take: Callable[[Bytes], None], **options: Any) -> None:
        super().__init__(protocol, **options)
        self.heard_at = 0.0
        self._take = take

    def data_received(self, data: bytes) -> None:
        """Take what the network brought."""
        self.heard_at = self.loop.time()
        super().data_received(data)

    def process_event(self, event: Event) -> None:
        """Take one parsed event."""
        if type(event) is Frame and event.opcode is Opcode.TEXT and event.fin:
            self._take(event.data)  # type: ignore[arg-type]  # only what is sent can be a memoryview
        else:
            super().process_event(event)
