"""Every setting of the program, and what one contradicts in another."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from trader.core.settings.groups import (
    AtrStop,
    ConfidenceTiers,
    ConfidenceWeighting,
    Embedded,
    FeeByMarket,
    Filters,
    Group,
    PatternTarget,
    Retrain,
    TradingHours,
    WaitByMarket,
)
from trader.core.settings.management import Hedging, Kelly, Pyramiding, ReEntry, Reversal, TargetLadder
from trader.core.settings.protection import (
    BreakevenStop,
    DrawdownProtection,
    LosingStreak,
    PartialTakeProfit,
    TrailingStop,
)
from trader.core.settings.types import (
    Coin,
    Coins,
    Count,
    Fraction,
    FractionByTimeframe,
    Index,
    KnownTimeframe,
    Leverage,
    ModelName,
    ModelSchedule,
    Name,
    OpenFraction,
    Positive,
    Share,
    Timeframes,
    contradiction,
)
from trader.core.signal import Pattern
from trader.core.timeframe import Timeframe

Market = Literal["spot", "futures"]
#: What a key in the key store may be called, or nothing.
NAME_OF_KEY = r"^([A-Za-z0-9][A-Za-z0-9._-]{0,31})?$"
#: Modes in which orders leave for Binance.
BINANCE_ORDERS = ("demo", "testnet", "live")


class Settings(Group):
    """Every setting of the program; see `config.py` for what each one means."""

    DATA_SOURCE: Literal["websocket", "backtest", "backtest_hedging"]
    MODE: Literal["embedded", "paper", "demo", "testnet", "live"]
    LIVE_TRADING: Literal["no", "yes"]
    PRESET: Name
    MARKET: Market
    COINS: Coins
    TIMEFRAMES: Timeframes
    EXIT_TIMEFRAME: KnownTimeframe | None
    STRATEGY: Literal["geometry", "classifier"]
    MODEL: ModelName
    MODEL_SCHEDULE: ModelSchedule
    PRELOAD_CANDLES: Annotated[int, Field(strict=True, ge=60, le=43_300)]
    RETRAIN: Retrain
    NUM_WORKERS: Index
    BACKTEST_INITIAL_CAPITAL: Positive
    MAX_CAPITAL: Positive | None
    QUOTE: Name
    DATA_DIR: Name
    STAT_DIR: Name
    MODELS_DIR: Name
    LOG_FILE: str
    LOG_MAX_MB: Positive
    LOG_BACKUPS: Index

    BINANCE_API_KEY: SecretStr
    BINANCE_API_SECRET: SecretStr
    KEY_NAME: Annotated[str, Field(pattern=NAME_OF_KEY, description="empty, or letters, digits, . _ -, up to 32")]
    KEY_STORE: Literal["auto", "keyring", "file"]
    KEY_FILE: Name
    KEYSTORE_PASSPHRASE: SecretStr
    KEYSTORE_PASSPHRASE_FILE: str
    BINANCE_DEMO_MODE: bool
    REST_URL: Annotated[str, Field(pattern=r"^(https?://\S+)?$", description="empty, or a URL of http:// or https://")]
    STREAM_URL: Annotated[str, Field(pattern=r"^(wss?://\S+)?$", description="empty, or a URL of ws:// or wss://")]
    INSTANT_WAIT_MS: WaitByMarket
    SOCKET_SILENCE_S: Positive
    STREAM_STALE_MS: Count
    WEIGHT_RESERVE: Annotated[float, Field(strict=True, ge=0, lt=1, allow_inf_nan=False)]
    STATUS_EVERY_S: Positive
    ORDERS: Literal["auto", "simulated", "exchange"]
    JOURNAL_URL: SecretStr
    JOURNAL_WAIT_S: Positive
    JOURNAL_BUFFER_MB: Count
    JOURNAL_DECISIONS: Literal["off", "counts", "full"]
    EMBEDDED: Embedded

    TRADING_HOURS: TradingHours
    MIN_PROBABILITY: Fraction
    MIN_STRENGTH: Fraction
    MIN_EXPECTED_RETURN: Annotated[float, Field(strict=True, ge=-1, le=1, allow_inf_nan=False)] | None
    SIGNAL_TTL_S: Positive
    MAX_CONCURRENT_TRADES: Count
    TREND_ALIGNMENT: bool
    MIN_ATR_PCT: FractionByTimeframe
    MIN_NET_PROFIT_PCT: Annotated[float, Field(strict=True, ge=-1, le=1, allow_inf_nan=False)]
    PATTERN_TARGETS: dict[Pattern, PatternTarget]
    STOP_MODE: Literal["pattern", "atr"]
    ATR_STOP: AtrStop
    RISK_PER_TRADE: OpenFraction
    MAX_POSITION_SIZE_PCT: Share
    MIN_SIZE_RATIO: Fraction
    LEVERAGE: Leverage
    LEVERAGE_BY_COIN: dict[Coin, Leverage]
    ML_CONFIDENCE_WEIGHTING: ConfidenceWeighting
    CONFIDENCE_TIERS: ConfidenceTiers
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

    @field_validator("MARKET")
    @classmethod
    def _has_shorts_to_hedge_with(cls, value: Market, info: ValidationInfo) -> Market:
        if value == "spot" and info.data.get("DATA_SOURCE") == "backtest_hedging":
            text = "a hedge is a position the other way, and spot has no SHORT: allowed there is futures"
            raise contradiction(text, "DATA_SOURCE")
        return value

    @field_validator("BINANCE_DEMO_MODE")
    @classmethod
    def _plays_with_play_money(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("MODE") == "live":
            raise contradiction("real money is no demo: allowed there is false", "MODE")
        return value

    @field_validator("ORDERS")
    @classmethod
    def _goes_where_the_mode_does(cls, value: str, info: ValidationInfo) -> str:
        mode = info.data.get("MODE")
        if mode == "paper" and value == "exchange":
            raise contradiction("its fills are simulated: allowed there are auto, simulated", "MODE")
        if mode in BINANCE_ORDERS and value == "simulated":
            text = "orders are what it is for: allowed there are auto, exchange; MODE=paper simulates fills"
            raise contradiction(text, "MODE")
        return value

    @field_validator("JOURNAL_URL")
    @classmethod
    def _names_a_journal(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"(sqlite:///\S+|postgres(ql)?://\S+/\S+)?", value.get_secret_value()):
            raise contradiction("allowed: empty, sqlite:///FILE, or postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
        return value

    @field_validator("MIN_EXPECTED_RETURN")
    @classmethod
    def _is_told_by_a_model(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and info.data.get("STRATEGY") == "geometry":
            raise contradiction("geometry expects nothing of a trade: allowed there is null", "STRATEGY")
        return value

    @field_validator("EXIT_TIMEFRAME")
    @classmethod
    def _not_longer(cls, value: Timeframe | None, info: ValidationInfo) -> Timeframe | None:
        finest = min(info.data.get("TIMEFRAMES", ()), key=lambda timeframe: timeframe.ms, default=value)
        if value and finest and value.ms > finest.ms:
            raise contradiction(f"allowed: null, or {finest} and finer, the finest of TIMEFRAMES", "TIMEFRAMES")
        return value

    @field_validator("QUOTE")
    @classmethod
    def _prices_coins(cls, value: str, info: ValidationInfo) -> str:
        coins = info.data.get("COINS", ())
        if foreign := [coin for coin in coins if not coin.endswith(value) or coin == value]:
            raise contradiction(f"the pool is counted in it, but not priced in it are {', '.join(foreign)}", "COINS")
        return value

    @field_validator("MIN_ATR_PCT")
    @classmethod
    def _covers_timeframes(
        cls, value: float | dict[Timeframe, float], info: ValidationInfo
    ) -> float | dict[Timeframe, float]:
        missing = [name for name in info.data.get("TIMEFRAMES", ()) if isinstance(value, dict) and name not in value]
        if missing:
            raise contradiction(f"the table has no entry for {', '.join(missing)}", "TIMEFRAMES")
        return value

    @field_validator("PATTERN_TARGETS")
    @classmethod
    def _covers_patterns(cls, value: dict[Pattern, PatternTarget]) -> dict[Pattern, PatternTarget]:
        if missing := [pattern for pattern in Pattern if pattern not in value]:
            raise contradiction(f"the table has no entry for {', '.join(missing)}")
        return value

    @field_validator("LEVERAGE")
    @classmethod
    def _one_on_spot(cls, value: float, info: ValidationInfo) -> float:
        if value != 1 and info.data.get("MARKET") == "spot":
            raise contradiction("spot has no leverage: allowed there is 1", "MARKET")
        return value

    @field_validator("LEVERAGE_BY_COIN")
    @classmethod
    def _none_on_spot(cls, value: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        if info.data.get("MARKET") == "spot" and any(leverage != 1 for leverage in value.values()):
            raise contradiction("spot has no leverage: allowed there is {}", "MARKET")
        return value

    @field_validator("CONFIDENCE_TIERS")
    @classmethod
    def _lowest_is_not_above(cls, value: ConfidenceTiers, info: ValidationInfo) -> ConfidenceTiers:
        highest = max([info.data.get("LEVERAGE", 125), *info.data.get("LEVERAGE_BY_COIN", {}).values()])
        if value.enable and info.data.get("MARKET") == "futures" and value.lowest_leverage > highest:
            text = f"no coin has as much leverage; allowed: {highest:g} at most"
            raise contradiction(text, "LEVERAGE", "LEVERAGE_BY_COIN", within="lowest_leverage")
        return value

    @field_validator("MAINTENANCE_MARGIN_RATE")
    @classmethod
    def _leaves_room(cls, value: float, info: ValidationInfo) -> float:
        own, by_coin = info.data.get("LEVERAGE", 1), max(info.data.get("LEVERAGE_BY_COIN", {}).values(), default=1)
        leverage = max(own, by_coin)
        if value >= 1 / leverage:
            text = f"a position would be liquidated as it opens; allowed at this leverage: below {1 / leverage:.6g}"
            raise contradiction(text, "LEVERAGE" if own == leverage else "LEVERAGE_BY_COIN")
        return value

    @field_validator("BREAKEVEN_STOP")
    @classmethod
    def _activates_beyond_costs(cls, value: BreakevenStop, info: ValidationInfo) -> BreakevenStop:
        fees, slippage = info.data.get("TAKER_FEE"), info.data.get("SLIPPAGE_PCT")
        if fees is None or slippage is None or not (value.enable and value.cover_costs):
            return value
        raised = value.buffer_pct + 2 * (fees.spot if info.data.get("MARKET") == "spot" else fees.futures) + slippage
        if value.activation_pct <= raised:
            text = f"activation_pct must be more than buffer_pct and the costs together, {raised:.6g}"
            raise contradiction(text, "TAKER_FEE", "SLIPPAGE_PCT")
        return value

    @field_validator("HEDGING")
    @classmethod
    def _hedges_on_futures(cls, value: Hedging, info: ValidationInfo) -> Hedging:
        if value.enable and info.data.get("MARKET") == "spot":
            text = "a hedge is a position the other way, and spot has no SHORT: allowed there is false"
            raise contradiction(text, "MARKET", within="enable")
        if not value.enable and info.data.get("DATA_SOURCE") == "backtest_hedging":
            raise contradiction("a backtest of hedging has it on: allowed is true", "DATA_SOURCE", within="enable")
        return value

    def min_atr_pct(self, timeframe: Timeframe) -> float:
        """Return the least ATR14 / close of `timeframe`; 0 where the table has no entry."""
        table = self.MIN_ATR_PCT
        return table.get(timeframe, 0.0) if isinstance(table, dict) else table

    def leverage_of(self, symbol: str) -> float:
        """Return the highest leverage allowed for a coin: 1 on spot."""
        return self.LEVERAGE_BY_COIN.get(symbol, self.LEVERAGE) if self.MARKET == "futures" else 1.0

    @property
    def taker_fee(self) -> float:
        """The taker fee of the market, as a fraction of the notional."""
        return self.TAKER_FEE.spot if self.MARKET == "spot" else self.TAKER_FEE.futures

    @property
    def maker_fee(self) -> float:
        """The maker fee of the market, as a fraction of the notional."""
        return self.MAKER_FEE.spot if self.MARKET == "spot" else self.MAKER_FEE.futures
