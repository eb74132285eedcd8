"""A long run of the core under anything that can happen, with a second reading of the rules beside it.

`python -m tests.machine --events 200000 --seed N` lives one life after another, each with its own settings, coins and
weather, until so many events have gone in. It stops at the first contradiction; else it prints what happened.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from tests.long.life import Life

#: Instants of one life, at most.
LIFE = (100, 1_000)


class Tally(NamedTuple):
    """What a run came to; `rules` counts what each rule decided, `exits` why parts of trades closed."""

    events: int
    lives: int
    trades: int
    fills: int
    rules: Counter[str]
    exits: Counter[str]


def live(chance: Random, instants: int) -> Life:
    """Live one life to its end."""
    life = Life(chance)
    busy = chance.choice([0.05, 0.2, 0.5])
    for _ in range(instants):
        what = chance.random()
        if what < 0.008:
            life.command(chance)
        elif what < 0.022:
            life.allow()
        elif what < 0.026:
            life.machine.save_and_load()
        elif what < 0.036:
            life.jump(chance)
        elif what < 0.037:
            life.skip(chance.randrange(1, 200))
        elif what < 0.042:
            life.turn(chance)
        life.step(chance, busy)
        if life.ruined:
            break
    life.deliver(chance)
    life.machine.finish()
    return life


def run(events: int, seed: int) -> Tally:
    """Live until `events` events have gone in."""
    done, lives, trades, fills = 0, 0, 0, 0
    rules, exits = Counter[str](), Counter[str]()
    while done < events:
        life = live(Random(f"{seed} {lives}"), Random(f"{seed} {lives} length").randint(*LIFE))
        machine = life.machine
        done, lives = done + machine.events, lives + 1
        trades, fills = trades + machine.ledger.trades, fills + machine.ledger.fills
        rules, exits = rules + machine.oracle.rules, exits + machine.ledger.exits
    return Tally(done, lives, trades, fills, rules, exits)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.machine", description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    began = time.perf_counter()
    tally = run(options.events, options.seed)
    for title, counts in (("decisions that ended with", tally.rules), ("parts closed by", tally.exits)):
        print(title)
        for name, count in counts.most_common():
            print(f"{count:10,} {name}")
    print(
        f"seed {options.seed}: {tally.events:,} events, {tally.lives} lives, {tally.trades:,} trades, "
        f"{tally.fills:,} fills, {time.perf_counter() - began:.0f} s, no contradiction"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
