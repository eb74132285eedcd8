"""The validated settings, with the names of `config.py`. Read from files in `trader.engine.settings`.

The models hold types and what is possible; the values, every default among them, come from `config.py`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from trader.core.signal import Pattern
from trader.core.timeframe import Timeframe

Market = Literal["spot", "futures"]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
OpenFraction = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
DecimalText = Annotated[str, Field(pattern=r"^\d+(\.\d+)?$")]


class Group(BaseModel):
    """A group of settings: frozen, without unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TradingHours(Group):
    enable: bool
    start_hour: Annotated[int, Field(ge=0, le=23)]
    end_hour: Annotated[int, Field(ge=0, le=23)]
    timezone: str


class PatternTarget(Group):
    sl_pct: OpenFraction
    tp_pct: OpenFraction


class AtrStop(Group):
    stop_atr: Positive
    target_atr: Positive


class ConfidenceTier(Group):
    min_prob: Fraction
    multiplier: Positive


class ConfidenceWeighting(Group):
    enable: bool
    tiers: tuple[ConfidenceTier, ...]


class Filters(Group):
    tickSize: DecimalText
    stepSize: DecimalText
    minQty: DecimalText
    minNotional: DecimalText


class FeeByMarket(Group):
    spot: Fraction
    futures: Fraction


class WaitByMarket(Group):
    spot: Annotated[int, Field(ge=0)]
    futures: Annotated[int, Field(ge=0)]


class PartialLevel(Group):
    pct: OpenFraction
    close_ratio: Annotated[float, Field(gt=0, le=1)]


class PartialTakeProfit(Group):
    enable: bool
    levels: tuple[PartialLevel, ...]


class BreakevenStop(Group):
    enable: bool
    activation_pct: OpenFraction
    buffer_pct: Fraction
    cover_costs: bool


class TrailingStop(Group):
    enable: bool
    activation_pct: Fraction
    trail_pct: OpenFraction


class LosingStreak(Group):
    enable: bool
    reduce_risk_after: Annotated[int, Field(ge=1)]
    risk_multiplier: Annotated[float, Field(gt=0, le=1)]
    stop_trading_after: Annotated[int, Field(ge=1)]
    cooldown_minutes: Positive


class DrawdownProtection(Group):
    enable: bool
    reduce_at: Fraction
    risk_multiplier: Annotated[float, Field(gt=0, le=1)]
    pause_at: Fraction
    close_at: Fraction
    resume_after_hours: Positive | None


class Kelly(Group):
    enable: bool
    min_trades: Annotated[int, Field(ge=1)]
    window: Annotated[int, Field(ge=1)]
    fraction: Annotated[float, Field(gt=0, le=1)]
    min_fraction: Fraction


class HedgeOverride(Group):
    hedge_threshold: OpenFraction


class Hedging(Group):
    enable: bool
    hedge_threshold: OpenFraction
    hedge_recovery_threshold: Fraction
    hedge_ratio: Annotated[float, Field(gt=0, le=1)]
    dynamic_hedge: bool
    coin_overrides: dict[str, HedgeOverride]


class TargetLadder(Group):
    enable: bool
    at: tuple[Positive, ...]
    close_ratios: tuple[Positive, ...]
    trail_atr: Positive


class ReEntry(Group):
    enable: bool
    candles: Annotated[int, Field(ge=1)]
    risk_multiplier: Annotated[float, Field(gt=0, le=1)]


class Pyramiding(Group):
    enable: bool
    min_profit_pct: Fraction
    risk_multiplier: Annotated[float, Field(gt=0, le=1)]
    max_adds: Annotated[int, Field(ge=1)]


class Reversal(Group):
    enable: bool
    min_probability: Fraction


class Embedded(Group):
    port: Annotated[int, Field(ge=0, le=65535)]
    speed: Annotated[float, Field(gt=0)] | Literal["max"]
    seed: Annotated[int, Field(ge=0)]
    start: str


class Settings(Group):
    """Every setting of the program; see `config.py` for what each one means."""

    DATA_SOURCE: Literal["websocket", "backtest", "backtest_hedging"]
    MODE: Literal["embedded", "paper", "demo", "testnet", "live"]
    MARKET: Market
    COINS: Annotated[tuple[str, ...], Field(min_length=1)]
    TIMEFRAMES: Annotated[tuple[Timeframe, ...], Field(min_length=1)]
    EXIT_TIMEFRAME: Timeframe | None
    STRATEGY: Literal["geometry"]
    PRELOAD_CANDLES: Annotated[int, Field(ge=60, le=43_300)]
    NUM_WORKERS: Annotated[int, Field(ge=0)]
    BACKTEST_INITIAL_CAPITAL: Positive
    QUOTE: str
    DATA_DIR: str
    STAT_DIR: str
    LOG_FILE: str
    LOG_MAX_MB: Positive
    LOG_BACKUPS: Annotated[int, Field(ge=0)]

    BINANCE_API_KEY: SecretStr
    BINANCE_API_SECRET: SecretStr
    BINANCE_DEMO_MODE: bool
    REST_URL: str
    STREAM_URL: str
    INSTANT_WAIT_MS: WaitByMarket
    SOCKET_SILENCE_S: Positive
    STREAM_STALE_MS: Annotated[int, Field(gt=0)]
    WEIGHT_RESERVE: Fraction
    STATUS_EVERY_S: Positive
    EMBEDDED: Embedded

    TRADING_HOURS: TradingHours
    MIN_PROBABILITY: Fraction
    MIN_STRENGTH: Fraction
    MAX_CONCURRENT_TRADES: Annotated[int, Field(ge=1)]
    TREND_ALIGNMENT: bool
    MIN_ATR_PCT: Fraction | dict[Timeframe, Fraction]
    MIN_NET_PROFIT_PCT: Annotated[float, Field(ge=-1, le=1)]
    PATTERN_TARGETS: dict[Pattern, PatternTarget]
    STOP_MODE: Literal["pattern", "atr"]
    ATR_STOP: AtrStop
    RISK_PER_TRADE: OpenFraction
    MAX_POSITION_SIZE_PCT: Annotated[float, Field(gt=0, le=1)]
    MIN_SIZE_RATIO: Fraction
    LEVERAGE: Annotated[float, Field(ge=1, le=125)]
    ML_CONFIDENCE_WEIGHTING: ConfidenceWeighting
    DEFAULT_FILTERS: Filters
    MAINTENANCE_MARGIN_RATE: OpenFraction
    TAKER_FEE: FeeByMarket
    MAKER_FEE: FeeByMarket
    SLIPPAGE_PCT: Fraction
    PARTIAL_TP: PartialTakeProfit
    BREAKEVEN_STOP: BreakevenStop
    TRAILING_STOP: TrailingStop
    LOSING_STREAK_PROTECTION: LosingStreak
    DAILY_LOSS_LIMIT: Fraction
    DRAWDOWN_PROTECTION: DrawdownProtection
    MAX_PORTFOLIO_RISK: Positive
    MAX_SYMBOL_EXPOSURE: Positive
    MAX_DIRECTION_EXPOSURE: Positive
    CORRELATION_MODE: Literal["off", "halve", "skip"]
    KELLY: Kelly
    HEDGING: Hedging
    TARGET_LADDER: TargetLadder
    RE_ENTRY: ReEntry
    PYRAMIDING: Pyramiding
    REVERSAL: Reversal

    def min_atr_pct(self, timeframe: Timeframe) -> float:
        """Return the least ATR14 / close of `timeframe`; 0 where the table has no entry."""
        table = self.MIN_ATR_PCT
        return table.get(timeframe, 0.0) if isinstance(table, dict) else table

    @property
    def leverage(self) -> float:
        """The leverage in force: 1 on spot."""
        return self.LEVERAGE if self.MARKET == "futures" else 1.0

    @property
    def taker_fee(self) -> float:
        return self.TAKER_FEE.spot if self.MARKET == "spot" else self.TAKER_FEE.futures

    @property
    def maker_fee(self) -> float:
        return self.MAKER_FEE.spot if self.MARKET == "spot" else self.MAKER_FEE.futures
