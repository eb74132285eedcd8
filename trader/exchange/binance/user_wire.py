"""Messages of the user streams field by field, as far as we read them; only `user_codec` looks at these.

What an event may lack, or gives as null, has a default. Amounts stay as they came and are tested by the codec.
"""

from __future__ import annotations

from typing import Any

import msgspec

from trader.core.order import Side
from trader.exchange.binance.decimals import Number

NOT_IN_A_LIST = -1


class HeadWire(msgspec.Struct):
    """Any message: enough of it to know what it is. `event` or `data` holds the event of a wrapped one."""

    e: str = ""
    E: int = 0
    T: int = 0
    stream: str = ""
    data: msgspec.Raw = msgspec.Raw()
    event: msgspec.Raw = msgspec.Raw()
    subscriptionId: int | None = None
    id: int | str | None = None
    status: int = 0
    result: Any = None
    error: Any = None


class ReportWire(msgspec.Struct):
    """executionReport (spot). `C` is the order's own id where `c` is that of a cancel; `w`: it is on the book."""

    s: str
    S: Side
    o: str
    x: str
    X: str
    i: int
    c: str = ""
    C: str | None = ""
    E: int = 0
    T: int = 0
    q: Number = None
    p: Number = None
    P: Number = None
    l: Number = None  # noqa: E741 - the venue's name
    z: Number = None
    L: Number = None
    Z: Number = None
    n: Number = None
    N: str | None = None
    t: int = -1
    m: bool = False
    g: int = NOT_IN_A_LIST
    r: Any = ""
    eR: Any = ""
    w: bool = False


class ListLegWire(msgspec.Struct):
    i: int
    c: str


class ListStatusWire(msgspec.Struct):
    """listStatus (spot)."""

    s: str
    g: int
    C: str
    L: str
    T: int = 0
    r: Any = ""
    O: list[ListLegWire] = []  # noqa: E741 - the venue's name


class SpotBalanceWire(msgspec.Struct):
    a: str
    f: Number = None
    l: Number = None  # noqa: E741 - the venue's name


class SpotPositionWire(msgspec.Struct):
    """outboundAccountPosition (spot)."""

    E: int = 0
    u: int = 0
    B: list[SpotBalanceWire] = []


class BalanceChangeWire(msgspec.Struct):
    """balanceUpdate (spot): a deposit, a withdrawal, a transfer."""

    a: str
    d: Number = None
    T: int = 0


class FuturesOrderWire(msgspec.Struct):
    s: str
    S: Side
    x: str
    X: str
    i: int
    c: str = ""
    o: str = ""
    ot: str = ""
    ps: str = ""
    q: Number = None
    p: Number = None
    ap: Number = None
    sp: Number = None
    l: Number = None  # noqa: E741 - the venue's name
    z: Number = None
    L: Number = None
    n: Number = None
    N: str | None = None
    T: int = 0
    t: int = 0
    m: bool = False
    rp: Number = None
    er: Any = ""


class OrderTradeWire(msgspec.Struct):
    """ORDER_TRADE_UPDATE (USD-M)."""

    o: FuturesOrderWire
    T: int = 0


class AlgoOrderWire(msgspec.Struct):
    s: str
    S: Side
    caid: str
    aid: int
    X: str
    o: str = ""
    ps: str = ""
    q: Number = None
    ai: int | str | None = None
    aq: Number = None
    tp: Number = None
    cp: bool = False
    rm: Any = ""


class AlgoWire(msgspec.Struct):
    """ALGO_UPDATE (USD-M)."""

    o: AlgoOrderWire
    T: int = 0
    E: int = 0


class WalletWire(msgspec.Struct):
    a: str
    wb: Number = None
    bc: Number = None


class PositionWire(msgspec.Struct):
    s: str
    pa: Number = None
    ep: Number = None
    up: Number = None
    mt: str = ""
    iw: Number = None
    ps: str = ""


class AccountChangesWire(msgspec.Struct):
    m: str = ""
    B: list[WalletWire] = []
    P: list[PositionWire] = []


class AccountWire(msgspec.Struct):
    """ACCOUNT_UPDATE (USD-M): only what has changed."""

    a: AccountChangesWire
    T: int = 0


class MarginCallWire(msgspec.Struct):
    """MARGIN_CALL (USD-M)."""

    E: int = 0
    p: list[PositionWire] = []


class LeverageWire(msgspec.Struct):
    s: str = ""
    l: int = 0  # noqa: E741 - the venue's name


class MultiAssetsWire(msgspec.Struct):
    j: bool = False


class ConfigWire(msgspec.Struct):
    """ACCOUNT_CONFIG_UPDATE (USD-M)."""

    T: int = 0
    ac: LeverageWire | None = None
    ai: MultiAssetsWire | None = None
