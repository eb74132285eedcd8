"""Speaks to the two processes of a run: the exchange's `/control/`, the daemon's socket."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from trader.core.errors import TraderError
from trader.engine.control.address import SOCKET_NAME, connect

TIMEOUT_S = 10.0


class Exchange:
    """The exchange at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str) -> Any:
        """Return what it answers."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=TIMEOUT_S) as answer:
            return json.load(answer)

    def post(self, path: str, **wish: object) -> Any:
        """Return what it answers to a wish; None where it refuses."""
        request = urllib.request.Request(f"{self.url}{path}", json.dumps(wish).encode(), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError:
            return None

    def heal(self) -> None:
        """Let no fault strike any more."""
        for rate in self.get("/control/state")["faults"]["rates"]:
            self.post("/control/fault", kind=rate["kind"], probability=0, amount=0)


def command(home: Path, **ask: object) -> dict[str, Any] | None:
    """Return what a daemon answers to a person's command; None where it does not."""
    with suppress(OSError, ValueError, TraderError), connect(home / SOCKET_NAME, 1.0) as line:
        line.sendall(json.dumps({"v": 1, "ask": ask}).encode() + b"\n")
        told = b""
        while not told.endswith(b"\n"):
            told += line.recv(65_536) or b"\n"
        answer: dict[str, Any] = json.loads(told)["answer"]
        return answer
    return None
