"""What one seed has in store: the faults and how often they strike, kills, outages, strangers."""

from __future__ import annotations

from random import Random

import msgspec

from trader.exchange.embedded.faults import ORDER_FAULTS, Fault, FaultRate

#: Amounts are seconds, shares or counts as `embedded.faults` has them; a pair is a range to draw from.
AMOUNTS: dict[Fault, tuple[float, float]] = {
    Fault.TIMEOUT_AFTER: (1.0, 20.0),
    Fault.TIMEOUT_BEFORE: (1.0, 20.0),
    Fault.ANSWER_LATE: (0.05, 6.0),
    Fault.UNKNOWN_503: (0.0, 1.0),
    Fault.UNEXPECTED: (0.0, 1.0),
    Fault.BACKEND_TIMEOUT: (0.0, 1.0),
    Fault.READ_LAG: (0.05, 1.0),
    Fault.PARTIAL: (0.1, 6.0),
}
#: How likely one fault is, at most, in the three kinds of weather; and how likely the weather.
WEATHERS = ((0.25, 0.0), (0.45, 0.04), (0.3, 0.15))


class Weather(msgspec.Struct, frozen=True):
    """Rates are per request or event. `kills` and `outages` are counts; `down_s` how long either lasts, at most.

    `late`: a request whose connection was lost arrives all the same, while the exchange still takes it. `paths`:
    prices move inside candles. `strangers`: somebody else trades on the account. `small`: few orders may rest.
    """

    rates: tuple[FaultRate, ...]
    late: float
    read_lost: float
    event_lost: float
    event_twice: float
    event_late: float
    journal_refuses: float
    kills: int
    outages: int
    down_s: float
    latency_s: float
    paths: bool
    strangers: bool
    orders: float


def weather_of(seed: int) -> Weather:
    """Return the weather of a seed."""
    random = Random(f"{seed}/weather")
    most = random.choices([most for _, most in WEATHERS], [share for share, _ in WEATHERS])[0]

    def rate(share: float = 0.5) -> float:
        return random.random() * most if most and random.random() < share else 0.0

    kinds = [*ORDER_FAULTS, Fault.READ_LAG, Fault.STOP_REJECTED, Fault.TRIGGER_REJECTED]
    rates = [FaultRate(kind, rate(0.4), _amount(random, kind)) for kind in kinds]
    rates.append(FaultRate(Fault.PARTIAL, 5 * rate(), _amount(random, Fault.PARTIAL)))
    return Weather(
        rates=tuple(each for each in rates if each.probability > 0),
        late=rate(),
        read_lost=rate(),
        event_lost=2 * rate(0.6),
        event_twice=rate(),
        event_late=rate(),
        journal_refuses=rate(0.2),
        kills=random.randint(0, 4) if random.random() < 0.5 else 0,
        outages=random.randint(1, 3) if random.random() < 0.3 else 0,
        down_s=random.choice([0.3, 3.0, 20.0]),
        latency_s=random.choice([0.005, 0.03, 0.15]),
        paths=random.random() < 0.5,
        strangers=random.random() < 0.3,
        orders=random.choice([0.1, 0.3, 0.6]),
    )


def _amount(random: Random, kind: Fault) -> float:
    low, high = AMOUNTS.get(kind, (0.0, 0.0))
    return random.uniform(low, high)
