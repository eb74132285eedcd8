"""What a seed has in store: faults and their rates, how the daemon trades, how it is paid."""

from __future__ import annotations

import json
from random import Random

import msgspec

COINS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "LTCUSDT", "LINKUSDT", "AVAXUSDT", "UNIUSDT", "ATOMUSDT")
KEY, SECRET = "key-of-chaos", "secret-of-chaos"
CAPITAL = 10_000
#: Highest probability of each fault (of one message, request, order request, event, execution) with amounts to draw.
FAULTS: dict[str, tuple[float, tuple[float, ...]]] = {
    "drop": (0.0004, (0,)),
    "stall": (0.0004, (0.3, 1.0)),
    "silent": (0.0001, (0,)),
    "duplicate": (0.01, (0,)),
    "reorder": (0.005, (0,)),
    "delay": (0.003, (0.05, 0.3)),
    "corrupt": (0.0005, (0,)),
    "gap": (0.003, (0,)),
    "429": (0.004, (1.0,)),
    "418": (0.001, (2.0,)),
    "5xx": (0.02, (500, 502, 503)),
    "timeout": (0.005, (1.0, 15.0)),
    "timeout_after": (0.02, (1.0, 5.0, 15.0)),
    "timeout_before": (0.02, (1.0, 5.0, 15.0)),
    "answer_lost": (0.03, (0,)),
    "answer_late": (0.05, (0.05, 0.4, 3.0)),
    "503_unknown": (0.02, (0.0, 0.5, 1.0)),
    "503_unavailable": (0.02, (0,)),
    "503_internal": (0.02, (0,)),
    "-1006": (0.02, (0.0, 0.5, 1.0)),
    "-1007": (0.02, (0.0, 0.5, 1.0)),
    "-1008": (0.02, (0,)),
    "-1021": (0.02, (0,)),
    "stop_rejected": (0.03, (0,)),
    "trigger_rejected": (0.05, (0,)),
    "read_lag": (0.05, (0.2, 0.8)),
    "event_lost": (0.01, (0,)),
    "event_twice": (0.05, (0,)),
    "event_swap": (0.05, (0.1,)),
    "event_late": (0.05, (0.2, 1.0)),
    "subscription": (0.004, (1.0,)),
    "partial": (0.15, (0.4, 2.0, 4.0)),
}
#: Faults that the judge would count as outages of the market or that last long are turned on less often.
SHARE = 0.6


class Weather(msgspec.Struct, frozen=True):
    """`faults` as the exchange takes them, `settings` of both, `environment` of the daemon. Rates of a fault are drawn
    up to the highest; `restarts_s`, `strangers_s`, `people_s` are mean pauses between such acts."""

    faults: tuple[str, ...]
    fees: tuple[str, ...]
    settings: tuple[str, ...]
    preset: str
    bnb: bool
    share: float
    restarts_s: float
    strangers_s: float
    people_s: float


def weather_of(seed: int, market: str) -> Weather:
    """Return the weather of a seed."""
    random = Random(f"{seed}/chaos")
    faults = []
    for kind, (most, amounts) in FAULTS.items():
        drawn, amount = random.random(), random.choice(amounts)
        if drawn < SHARE:
            faults.append(f"{kind}={most * (0.2 + 0.8 * random.random()):.6f}:{amount:g}")
    if random.random() < 0.5:
        faults.append(f"skew={random.choice([-1500, -300, 300, 900])}")
    bnb = market == "spot" and random.random() < 0.5
    fee = 0.0001
    paid = fee * 0.75 if bnb else fee
    return Weather(
        tuple(faults),
        (f"TAKER_FEE.{market}={fee}", f"MAKER_FEE.{market}={fee}", "SLIPPAGE_PCT=0.00002"),
        (f"TAKER_FEE.{market}={paid}", f"MAKER_FEE.{market}={paid}", *_settings(random)),
        "pattern" if market == "spot" else "pattern_futures",
        bnb,
        random.choice([0.08, 0.15, 0.3]),
        random.choice([40.0, 90.0, 1e9]),
        random.choice([5.0, 12.0, 1e9]),
        random.choice([20.0, 60.0]),
    )


def _settings(random: Random) -> tuple[str, ...]:
    def perhaps(share: float) -> bool:
        return random.random() < share

    ladder = perhaps(0.3)
    values = {
        "STRATEGY": "geometry",  # its place is taken by one that sees something often
        "MIN_ATR_PCT": 0,
        "MIN_NET_PROFIT_PCT": 0.0,
        "SLIPPAGE_PCT": 0.00002,
        "TREND_ALIGNMENT": False,
        "MAX_CONCURRENT_TRADES": random.randint(4, 8),
        "STOP_MODE": "atr",
        "ATR_STOP": {"stop_atr": random.choice([1.0, 2.0, 3.0]), "target_atr": random.choice([3.5, 5.0])},
        "RISK_PER_TRADE": 0.01,
        "MAX_POSITION_SIZE_PCT": random.choice([0.02, 0.05, 0.1]),
        "MAX_PORTFOLIO_RISK": 0.9,
        "LOSING_STREAK_PROTECTION.enable": False,
        "DAILY_LOSS_LIMIT": 0,
        "DRAWDOWN_PROTECTION.enable": False,
        "PARTIAL_TP": {
            "enable": perhaps(0.7) and not ladder,
            "levels": [{"pct": 0.0004, "close_ratio": 0.5}, {"pct": 0.0008, "close_ratio": 0.3}],
        },
        "TARGET_LADDER.enable": ladder,
        "BREAKEVEN_STOP": {
            "enable": perhaps(0.5),
            "activation_pct": 0.0005,
            "buffer_pct": 0.0001,
            "cover_costs": False,
        },
        "TRAILING_STOP": {"enable": perhaps(0.7), "activation_pct": 0.0004, "trail_pct": 0.0004},
        "PYRAMIDING": {"enable": perhaps(0.4), "min_profit_pct": 0.0003, "risk_multiplier": 0.5, "max_adds": 2},
        "REVERSAL.enable": perhaps(0.3),
        "RE_ENTRY.enable": perhaps(0.3),
    }
    return tuple(f"{name}={_text(value)}" for name, value in values.items())


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
