"""The defaults. Plain values and comments, no logic.

Override them, in rising order, by a preset, in config.yaml, .env, the environment (TRADER_<NAME>, nested by __), and
options (`--set NAME.KEY=VALUE`); docs/settings.md says how, `python start.py settings` shows what is in force.
Fractions are fractions: 0.02 is 2 %. Times are in seconds or milliseconds as the name says.
"""

# --- What runs, and on what -------------------------------------------------------------------------------

# What `python start.py` does without a sub-command: websocket (live), backtest, backtest_hedging (a backtest that
# turns HEDGING on; futures only).
DATA_SOURCE = "websocket"
# Where live candles come from and orders go: embedded (an exchange on this machine), paper (Binance's public
# streams, simulated fills), demo and testnet (Binance, with play money), live (Binance, with real money).
MODE = "embedded"
# MODE=live starts only where this is yes.
LIVE_TRADING = "no"
# A way to trade, laid over this file and under all other layers: pattern (this file as it is), pattern_futures, ladder.
PRESET = "pattern"
# spot (LONG only, leverage 1) or futures (USD-M, isolated margin, LONG and SHORT).
MARKET = "spot"
# The coins, in the order in which they are served within one instant.
COINS = ["BTCUSDT", "ETHUSDT"]
# Streams of each coin, in any order: 1s 15s 30s 1min 5min 15min 30min 1h 4h 1d, or Binance's names (1m). The finest
# is subscribed, the longer ones are built from it.
TIMEFRAMES = ["1min", "5min", "15min", "30min"]
# A stream on which fills and exits are judged, no longer than the finest of TIMEFRAMES; None is that finest one.
EXIT_TIMEFRAME = None
# Who has the opinions: geometry (the chart patterns' own scores), classifier (a trained model).
STRATEGY = "classifier"
# The model of the classifier, as `start.py models list` has it: NAME is the version that is current, and what is
# promoted while the daemon runs is taken up at the next instant; NAME@VERSION is that one and stays so.
MODEL = "patterns"
# Models of a backtest by the time (UTC) from which on each is asked, as {"2025-03-12T14:05:00": "patterns@v0002"}:
# a daemon's promotions told again. Before the first nobody is asked. Empty: MODEL all along. Daemons do without it.
MODEL_SCHEDULE = {}
# Closed candles each stream knows before the first decision.
PRELOAD_CANDLES = 1000
# Training beside a daemon, in a process of its own: where the model in force is every_days old (None: its age does not
# count) or its inputs have drifted over the last drift_days (docs/drift.md), but at_most_once_days. It learns from the
# last span_days; the last judge_days of them only judge which model is better, and nobody learns from them.
RETRAIN = {
    "enable": False,
    "every_days": 30,
    "on_drift": True,
    "drift_days": 14,
    "at_most_once_days": 7,
    "span_days": 365,
    "judge_days": 21,
    "threads": 1,
}
# Processes that prepare data and features of a backtest; 0 is one per processor.
NUM_WORKERS = 0
# Capital of a backtest and of a new paper pool, in QUOTE.
BACKTEST_INITIAL_CAPITAL = 10_000.0
# The most that the pool may have in use at any time, in QUOTE: reserved for positions and for waiting entries. None
# is no bound; MODE=live needs one, and begins with it, or with the account's balance where that is less.
MAX_CAPITAL = None
# The currency in which the pool is counted; every coin is priced in it.
QUOTE = "USDT"
# The home of candles.
DATA_DIR = "data"
# The home of results, one folder a run.
STAT_DIR = "stat"
# The home of trained models.
MODELS_DIR = "models"
# The log beside the terminal; "" writes none.
LOG_FILE = "data/logs/trader.log"
# Size at which the log file is rotated.
LOG_MAX_MB = 20
# How many rotated ones are kept.
LOG_BACKUPS = 5

# --- The exchange -----------------------------------------------------------------------------------------

# Keys belong into the environment or .env, never into a file that is shared; nothing that is written shows them.
BINANCE_API_KEY = ""
# The secret of that key: of an HMAC key its text, of an Ed25519 key the PEM text of its private key.
BINANCE_API_SECRET = ""
# The name of a key in the key store, in place of the two above: python start.py keys add NAME.
KEY_NAME = ""
# Where named keys are kept: keyring (the system's), file (KEY_FILE, encrypted), auto (the keyring where there is one).
KEY_STORE = "auto"
# The encrypted file of keys.
KEY_FILE = "data/keys.json"
# Its passphrase, where nobody is there to type it; it belongs into the environment, or into the file named below.
KEYSTORE_PASSPHRASE = ""
# A file whose first line is the passphrase.
KEYSTORE_PASSPHRASE_FILE = ""
# Where this is true no real money is at stake: MODE=live is refused. The demo hosts themselves are MODE=demo.
BINANCE_DEMO_MODE = False
# Another base URL for requests than the mode's own; "" is the mode's own. With MODE=demo, testnet or live it must be
# an exchange on this machine: keys go nowhere else.
REST_URL = ""
# Likewise for streams.
STREAM_URL = ""
# How long an instant waits for coins whose candle has not come, ms. Spot klines come every 2 s, futures' every 250 ms.
INSTANT_WAIT_MS = {"spot": 2_500, "futures": 500}
# An open socket on which nothing at all comes for so long is dead, seconds.
SOCKET_SILENCE_S = 60.0
# A stream is stale when its candle is due for so long on the market's clock, ms.
STREAM_STALE_MS = 15_000
# Share of the venue's request weight that is left free for orders and cancels.
WEIGHT_RESERVE = 0.2
# How often the daemon says how it is, seconds.
STATUS_EVERY_S = 30.0
# What fills orders: simulated (from candles), exchange (real orders there), auto (what MODE says: simulated with paper,
# the exchange with demo, testnet and live, and with embedded, but for a REST_URL without a key).
ORDERS = "auto"
# The journal of what was decided and sent: "" is a SQLite file in the daemon's folder below DATA_DIR, else sqlite:///FILE
# or postgresql://USER:PASSWORD@HOST:PORT/DATABASE, which belongs into the environment or .env and is never shown.
JOURNAL_URL = ""
# The longest that an order waits to be on the journal's disk before it leaves, seconds. Beyond it nothing is opened;
# stops and closings leave all the same.
JOURNAL_WAIT_S = 1.0
# Memory for what waits to be written, MB: what a full or failing disk costs nothing for.
JOURNAL_BUFFER_MB = 64
# What it keeps of decisions that said no: off, counts (which stream, which rule), full (with the numbers looked at).
JOURNAL_DECISIONS = "counts"

# The exchange on this machine: its port (0 is any free one), how many seconds of the market pass in one second
# ("max" is as fast as it can), the seed and the first day of the generated market.
EMBEDDED = {"port": 0, "speed": 60, "seed": 7, "start": "2026-01-05"}

# --- Entry checks, in their order (docs/rules.md) ---------------------------------------------------------

# Entries only inside these hours, start <= hour < end, which may wrap past midnight.
TRADING_HOURS = {"enable": False, "start_hour": 6, "end_hour": 20, "timezone": "UTC"}
# Least probability of a signal.
MIN_PROBABILITY = 0.65
# Least strength of a signal.
MIN_STRENGTH = 0.65
# Least net return that the classifier's success model expects of a trade, a fraction of the notional after costs: 0.001
# is 0.1 %. None asks for nothing.
MIN_EXPECTED_RETURN = None
# A signal that could not be acted on for so long is expired, seconds. Geometry's are acted on as they are made.
SIGNAL_TTL_S = 4 * 3600
# Most open trades and pending entries.
MAX_CONCURRENT_TRADES = 3
# LONG only above EMA50, SHORT only below.
TREND_ALIGNMENT = True
# Least ATR14 / close: a number, or a table by timeframe. 0.003 is a usual move of a quarter of an hour: it lets
# through 0.5 % of BTC's one-minute candles of 2025, 9 % of 5min, 38 % of 15min, 71 % of 30min. Ranges grow with
# the square root of time, so below 15min the bar falls likewise: 0.003 * sqrt(minutes / 15).
MIN_ATR_PCT = {
    "1s": 0.0001,
    "15s": 0.00039,
    "30s": 0.00055,
    "1min": 0.00077,
    "5min": 0.00173,
    "15min": 0.003,
    "30min": 0.003,
    "1h": 0.003,
    "4h": 0.003,
    "1d": 0.003,
}
# Least net profit at the targets after fees and slippage.
MIN_NET_PROFIT_PCT = 0.0

# --- Targets, distances from the entry --------------------------------------------------------------------

# Stop and target of each pattern, as fractions of the entry price.
PATTERN_TARGETS = {
    "ascending_triangle": {"sl_pct": 0.005, "tp_pct": 0.020},
    "descending_triangle": {"sl_pct": 0.005, "tp_pct": 0.020},
    "symmetrical_triangle": {"sl_pct": 0.006, "tp_pct": 0.024},
    "double_top": {"sl_pct": 0.006, "tp_pct": 0.024},
    "double_bottom": {"sl_pct": 0.006, "tp_pct": 0.024},
    "head_and_shoulders": {"sl_pct": 0.007, "tp_pct": 0.028},
    "cup_and_handle": {"sl_pct": 0.006, "tp_pct": 0.024},
    "wedge_rising": {"sl_pct": 0.006, "tp_pct": 0.024},
    "wedge_falling": {"sl_pct": 0.006, "tp_pct": 0.024},
    "flag_bullish": {"sl_pct": 0.005, "tp_pct": 0.020},
    "flag_bearish": {"sl_pct": 0.005, "tp_pct": 0.020},
}
# pattern (the table above) or atr (the multiples below).
STOP_MODE = "pattern"
# Stop and target in multiples of ATR14.
ATR_STOP = {"stop_atr": 1.5, "target_atr": 3.0}

# --- Size -------------------------------------------------------------------------------------------------

# Share of equity that a trade may lose at its stop.
RISK_PER_TRADE = 0.02
# Share of equity (times leverage) that one position may be worth.
MAX_POSITION_SIZE_PCT = 0.33
# What is affordable must be at least this share of what is wanted.
MIN_SIZE_RATIO = 0.25
# Futures only, 1 to 125; spot is 1.
LEVERAGE = 1
# Futures: the leverage of single coins in place of LEVERAGE, e.g. {"BTCUSDT": 10}.
LEVERAGE_BY_COIN = {}
# The first tier whose probability is reached multiplies the risk.
ML_CONFIDENCE_WEIGHTING = {
    "enable": True,
    "tiers": [
        {"min_prob": 0.80, "multiplier": 1.5},
        {"min_prob": 0.70, "multiplier": 1.2},
        {"min_prob": 0.65, "multiplier": 1.0},
    ],
}
# Size and, on futures, leverage by probability, in place of the weighting above: the first tier that is reached says
# the share of the risk; between the lowest and the highest tier's probability the leverage goes from lowest_leverage
# to the coin's own.
CONFIDENCE_TIERS = {
    "enable": False,
    "lowest_leverage": 1,
    "tiers": [
        {"min_prob": 0.90, "size": 1.0},
        {"min_prob": 0.80, "size": 0.8},
        {"min_prob": 0.70, "size": 0.5},
        {"min_prob": 0.65, "size": 0.3},
    ],
}
# For symbols whose filters are not stored, as decimal strings.
DEFAULT_FILTERS = {"tickSize": "0.00000001", "stepSize": "0.00000001", "minQty": "0", "minNotional": "5"}
# Futures: the share of the notional at which a position is liquidated.
MAINTENANCE_MARGIN_RATE = 0.005

# --- Costs ------------------------------------------------------------------------------------------------

# Of market orders and stops, as a fraction of the notional, by market.
TAKER_FEE = {"spot": 0.001, "futures": 0.0005}
# Of targets, which rest in the book.
MAKER_FEE = {"spot": 0.001, "futures": 0.0002}
# Against the trader, on every market order and stop.
SLIPPAGE_PCT = 0.0002

# --- Exits ------------------------------------------------------------------------------------------------

# Shares of the original quantity that close on the way to the take profit.
PARTIAL_TP = {
    "enable": True,
    "levels": [{"pct": 0.015, "close_ratio": 0.5}, {"pct": 0.025, "close_ratio": 0.3}],
}
# Move the stop past the entry; cover_costs adds two taker fees and the slippage.
BREAKEVEN_STOP = {"enable": True, "activation_pct": 0.008, "buffer_pct": 0.001, "cover_costs": True}
# Follow the best price at a distance.
TRAILING_STOP = {"enable": True, "activation_pct": 0.010, "trail_pct": 0.005}

# --- Streaks, pauses, drawdown ----------------------------------------------------------------------------

# Of the whole pool: smaller trades after some losses in a row, no entries for a while after more.
LOSING_STREAK_PROTECTION = {
    "enable": True,
    "reduce_risk_after": 3,
    "risk_multiplier": 0.5,
    "stop_trading_after": 5,
    "cooldown_minutes": 60,
}
# No entries for the rest of the UTC day once equity has lost this share of the day's first; 0 is off.
DAILY_LOSS_LIMIT = 0.03
# From peak equity: smaller trades, then a pause that a person ends (or resume_after_hours), then everything closes.
DRAWDOWN_PROTECTION = {
    "enable": True,
    "reduce_at": 0.10,
    "risk_multiplier": 0.5,
    "pause_at": 0.20,
    "close_at": 0.35,
    "resume_after_hours": None,
}

# --- Portfolio --------------------------------------------------------------------------------------------

# Most of equity that all stops together may lose.
MAX_PORTFOLIO_RISK = 0.05
# Most of equity reserved in one symbol.
MAX_SYMBOL_EXPOSURE = 1.0
# Most of equity reserved in one direction.
MAX_DIRECTION_EXPOSURE = 1.0

# A signal for a coin that moves together (|r| of hourly returns > 0.7) with one that has a trade the same way: off,
# halve its size, skip it.
CORRELATION_MODE = "off"
# Cap on size from the results of the last `window` trades, once there are `min_trades`.
KELLY = {"enable": False, "min_trades": 30, "window": 100, "fraction": 0.25, "min_fraction": 0.01}
# Futures: an order the other way for a coin at a loss, from this drawdown of the pool until it has recovered to that
# one; dynamic_hedge scales the threshold by volatility.
HEDGING = {
    "enable": False,
    "hedge_threshold": 0.18,
    "hedge_recovery_threshold": 0.08,
    "hedge_ratio": 0.35,
    "dynamic_hedge": True,
    "coin_overrides": {"BTCUSDT": {"hedge_threshold": 0.16}, "ETHUSDT": {"hedge_threshold": 0.22}},
}

# --- Position management: each off unless asked for -------------------------------------------------------

# Targets at parts of the target distance, in place of PARTIAL_TP; the last is the take profit. From the first on the
# stop follows the best price at trail_atr * ATR14.
TARGET_LADDER = {"enable": False, "at": [0.5, 0.75, 1.0], "close_ratios": [0.3, 0.4, 0.3], "trail_atr": 2.0}
# A smaller entry in the direction of a trade that was stopped out so many candles ago at most.
RE_ENTRY = {"enable": False, "candles": 60, "risk_multiplier": 0.5}
# Further, smaller trades in the direction of one that is so far ahead.
PYRAMIDING = {"enable": False, "min_profit_pct": 0.03, "risk_multiplier": 0.5, "max_adds": 2}
# The close of a trade whose own direction has become this improbable on its stream.
REVERSAL = {"enable": False, "min_probability": 0.4}
