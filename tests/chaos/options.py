"""What a chaos run is told."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path


class Options(argparse.Namespace):
    """What was typed."""

    seed: int
    kills: int
    minutes: float
    market: str
    data: Path | None
    coins: str
    speed: float
    keep: Path | None

    @property
    def again(self) -> str:
        """The command that repeats the run."""
        words = [f"--seed {self.seed} --kills {self.kills} --minutes {self.minutes:g} --market {self.market}"]
        words += [f"--data {shlex.quote(str(self.data))}"] if self.data else []
        words += [f"--coins {self.coins}"] if self.coins else []
        words += [f"--speed {self.speed:g}"]
        return "python -m tests.chaos " + " ".join(words)


def parse(arguments: Sequence[str], words: str) -> Options:
    """Return the options; exit with code 2 when they are wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=words)
    parser.add_argument("--seed", type=int, default=1, help="of faults, kills, settings and people")
    parser.add_argument("--kills", type=int, default=20, help="how often the daemon is killed")
    parser.add_argument("--minutes", type=float, default=2.0, help="how long it goes on before all is closed")
    parser.add_argument("--market", choices=("spot", "futures"), default="spot")
    parser.add_argument("--data", type=Path, help="play the candles of this store instead of a generated market")
    parser.add_argument("--coins", default="", help="coins, parted by commas")
    parser.add_argument("--speed", type=float, default=120.0, help="seconds of the market in a second")
    parser.add_argument("--keep", type=Path, help="keep what both processes wrote there; failing runs are always kept")
    return parser.parse_args(arguments, namespace=Options())
